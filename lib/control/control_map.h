/* SPDX-License-Identifier: MIT */
/*
 * control_map.h - what each 2 MiB of the heap is used for, for hakctl map. It reads records
 * while others write them: a picture of a moment, wrong in places, never out of bounds.
 */
#ifndef HAKMEM_CONTROL_CONTROL_MAP_H
#define HAKMEM_CONTROL_CONTROL_MAP_H

#include <hakmem/control.h>

uint32_t control_map_count(void);

/* In live large blocks of a home's, by the tags of its superslabs; those of all homes not. */
uint64_t control_map_large_live_bytes(unsigned home);

/* Rows of struct control_superslab from a first one on; returns how many. */
uint32_t control_map_fill(void *rows, uint32_t first, uint32_t most);

#endif
