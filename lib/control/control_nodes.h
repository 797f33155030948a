/* SPDX-License-Identifier: MIT */
/*
 * control_nodes.h - what each NUMA node has of the heap, for hakctl numa: a row for each home of
 * os/topology.h, with the kernel's number of its node.
 *
 * It walks heaps, and on machines with several homes the tags of the large range, while others
 * write them; no lock. Called by control_answer.
 */
#ifndef HAKMEM_CONTROL_CONTROL_NODES_H
#define HAKMEM_CONTROL_CONTROL_NODES_H

#include <hakmem/control.h>

uint32_t control_nodes_count(void);

/* Rows of struct control_node from a first one on; returns how many. */
uint32_t control_nodes_fill(void *rows, uint32_t first, uint32_t most);

#endif
