/* SPDX-License-Identifier: MIT */
/*
 * heap_count.h - what a heap counts of its slabs, so that others can add it up without
 * walking them. Nothing is counted where the fast paths take and free blocks.
 *
 * Who may run with whom: the owner alone writes; anyone reads, at any time. relaxed, all of
 * it: each number is right by itself, the sum of several is of a moment.
 */
#ifndef HAKMEM_MIDDLE_HEAP_COUNT_H
#define HAKMEM_MIDDLE_HEAP_COUNT_H

#include <stdatomic.h>
#include <stdint.h>

/*
 * Of one size class. Over all heaps:
 *   slabs * capacity = live + free + in bins + in transit
 *   in transit = sent - received
 */
struct heap_count {
	_Atomic uint32_t slabs;
	_Atomic uint32_t free;		/* blocks in slabs */
	_Atomic uint32_t untouched;	/* of these, never handed out */
	_Atomic uint32_t sent;		/* blocks of others that this heap's thread freed; wraps */
	_Atomic uint32_t received;	/* blocks that came home; wraps */
	_Atomic uint32_t samples;	/* blocks whose request is known, see asked_sample.h */
	_Atomic uint64_t asked;		/* bytes asked for with them */
};

/* By the owner: a load and a store, not a read-modify-write. amount may be negative. */
static inline void heap_count_add(_Atomic uint32_t *counter, uint32_t amount)
{
	atomic_store_explicit(counter,
			      atomic_load_explicit(counter, memory_order_relaxed) + amount,
			      memory_order_relaxed);
}

static inline void heap_count_add_bytes(_Atomic uint64_t *counter, uint64_t amount)
{
	atomic_store_explicit(counter,
			      atomic_load_explicit(counter, memory_order_relaxed) + amount,
			      memory_order_relaxed);
}

static inline uint32_t heap_count_read(const _Atomic uint32_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

#endif
