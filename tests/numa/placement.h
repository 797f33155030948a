/* SPDX-License-Identifier: MIT */
/*
 * What the programs of this folder share: the machine's nodes, threads pinned to one of
 * them, and on which node a page is. Needs a Linux with several nodes; skips elsewhere.
 */
#ifndef TESTS_NUMA_PLACEMENT_H
#define TESTS_NUMA_PLACEMENT_H

#include <stdbool.h>
#include <stddef.h>

#define NODES_MAX 64

struct machine {
	int with_memory[NODES_MAX], with_cpus[NODES_MAX];
	int memory_count, cpus_count;
};

/* Asks the kernel once. */
const struct machine *machine(void);
/* Skips where fewer than two nodes have memory. */
void need_two_nodes(void);

/* The calling thread runs on the CPUs of the node only; false: it cannot. */
bool run_on(int node);
/* Where the calling thread is. */
int this_node(void);
/* The node whose memory a thread of the node should get: itself, or the nearest with memory. */
int memory_node_of(int node);

/* -1: no page is there. */
int node_of_page(const void *address);

/* How many of the pages that hold the blocks are there, and how many of these on the node. */
struct placed {
	size_t pages, right;
};
void count_pages(const void *start, size_t bytes, int node, struct placed *placed);

/* kB of a node's free memory. */
size_t node_free_kib(int node);

#endif
