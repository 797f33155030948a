/* SPDX-License-Identifier: MIT */
/*
 * usage.h - what the heap holds, added up from what heaps and the large range count in their
 * slow paths and from the bins themselves. It walks heaps, not slabs, and takes no lock.
 *
 * Who may run with whom: anyone with anyone; the numbers are those of a moment.
 */
#ifndef HAKMEM_CONTROL_USAGE_H
#define HAKMEM_CONTROL_USAGE_H

#include <stddef.h>
#include <stdint.h>

#include "middle/heap.h"
#include "support/size_class.h"

/* Blocks of one class: slabs * capacity = live + cached + in_transit + free. */
struct usage_class {
	uint64_t slabs;
	uint64_t with_room;	/* of these: neither full nor empty */
	uint64_t live;
	uint64_t cached;	/* in bins */
	uint64_t in_transit;	/* freed by another thread, not home yet */
	uint64_t free;		/* in slabs … */
	uint64_t untouched;	/* … of these, never handed out */
	uint64_t samples;	/* see asked_sample.h */
	uint64_t asked;		/* bytes, of the samples */
};

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

/* All heaps together. */
void usage_read_classes(struct usage_class classes[CLASS_COUNT]);

/* One heap alone: live includes what is in transit to it, in_transit is zero. */
void usage_read_heap(struct heap *heap, struct usage_class classes[CLASS_COUNT]);

/* Bytes asked for by the live blocks of a class: from its samples, or the middle of its range. */
uint64_t usage_asked(unsigned class, const struct usage_class *of);

#endif
