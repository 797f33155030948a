/* SPDX-License-Identifier: MIT */
/*
 * arrivals.h - blocks that other threads have freed and that came home: into the bins of their
 * owner's cache. Called by thread_cache.c when a bin is empty.
 *
 * Who may run with whom: as thread_cache.h, for whoever works in the cache.
 */
#ifndef HAKMEM_FRONT_ARRIVALS_H
#define HAKMEM_FRONT_ARRIVALS_H

#include "front/bin.h"
#include "middle/heap.h"

/* Where they come to: the parts of one thread's cache, by class where there are several. */
struct arrivals {
	struct heap *heap;
	struct bin *bins;
	struct bin_slots *slots;
	struct slot_pool *slot_pool;
	const uint32_t *limits;
};

/*
 * Reads a few of the messages that have come, so that no call waits for many; unless all is set no
 * more than what fills the bin that is wanted, since the rest would go to its slab and come back.
 */
void arrivals_read(const struct arrivals *to, const struct bin *wanted, bool all);

#endif
