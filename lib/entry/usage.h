/* SPDX-License-Identifier: MIT */
/*
 * usage.h - what the heap holds, counted by walking its records: nothing is counted where
 * blocks are taken and freed.
 */
#ifndef HAKMEM_ENTRY_USAGE_H
#define HAKMEM_ENTRY_USAGE_H

#include <stddef.h>

#include "support/size_class.h"

/* Exact while no other thread allocates; else of a moment. Bytes unless named otherwise. */
struct usage {
	size_t opened;			/* address space that can be used */
	size_t slabs;			/* units in slabs */
	size_t blocks_in_use;		/* in slabs; blocks on their way as remote frees included */
	size_t blocks_free;		/* in slabs and thread caches */
	size_t free_block_count;
	size_t large_in_use;
	size_t large_count;
	size_t free_count_of_class[CLASS_COUNT];
};

void usage_read(struct usage *usage);

#endif
