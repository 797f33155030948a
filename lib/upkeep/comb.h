/* SPDX-License-Identifier: MIT */
/*
 * comb.h - gives back whole pages inside partly used slabs: one survivor in a hundred keeps a
 * page, not a slab. The free blocks there are bits in the record already, so nothing of the
 * heap lies in what is given back; whoever takes one later has the kernel populate it.
 *
 * Who may run with whom: whoever holds the heap, alone.
 */
#ifndef HAKMEM_UPKEEP_COMB_H
#define HAKMEM_UPKEEP_COMB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "back/release.h"
#include "middle/heap.h"

#define COMB_ROUNDS	253	/* a round's number is 1 … COMB_ROUNDS, and then begins again */

/* One round over a heap, or a part of it. */
struct comb {
	/* Gives spans back: a bit for each that went. */
	uint32_t (*release)(const struct release_span *spans, unsigned count);
	/* Asked before each slab: to stop here. */
	bool (*is_over)(void *argument);
	void *argument;
	/*
	 * A slab is combed that nothing was taken from since an earlier round, or of whose class
	 * nothing was; 0: each at once.
	 */
	uint8_t round;
	/* Slabs are put in order: those that have the least free are taken from first. */
	bool sorts;
	/* One whose free pages are less than this share of it stays as it is. */
	unsigned least_percent;
	size_t page_bytes;		/* of the kernel's: it gives back no less than one */

	size_t released_bytes;		/* result */
	bool stopped;			/* result: by is_over */
	bool unsettled;			/* result: the next round will have work */
};

/* True: the heap has changed since its last whole round, or that one left work. */
static inline bool comb_is_due(const struct heap *heap)
{
	return atomic_load_explicit(&heap->stirred, memory_order_relaxed);
}

/* Slabs that have not changed since they were combed are passed over, and holes that are known. */
void comb_heap(struct comb *comb, struct heap *heap);

#endif
