/* SPDX-License-Identifier: MIT */
/*
 * heap_frozen.c - see heap_frozen.h.
 */
#include <config.h>

#include "middle/heap_frozen.h"

#include "back/superslab.h"
#include "middle/heap.h"
#include "middle/slab_brought.h"
#include "middle/slab_guest.h"
#include "os/lock.h"

/* With the list lock: forgets what the torn record says and counts from zero. */
static void start_record(struct slab *slab, struct heap_count *count)
{
	if (slab->frozen)
		return;
	heap_count_add(&count->free, -(uint32_t)slab->free_blocks);
	heap_count_add(&count->untouched, slab->untouched_from - slab_class(slab)->capacity);
	slab_brought_drop(slab);
	slab->untouched_from = slab_class(slab)->capacity;
	slab->samples = 0;
	slab->frozen = true;
	slab->free_blocks = 0;
	slab->first_word = 0;
	slab_guest_forget_free(slab);
}

void heap_frozen_put(void *block)
{
	uint32_t unit = reservation_unit_of(block);
	uint32_t first = slab_first_unit(unit);
	struct slab *slab = slab_unit(first);
	unsigned i, units = slab_class(slab)->units, free_before;
	struct heap *heap = atomic_load_explicit(&slab->heap, memory_order_relaxed);
	struct heap_count *count = &heap->counts[slab_class_number(slab)];
	bool filled;

	lock_take(heap_fork_lock());
	start_record(slab, count);
	heap_count_add(&count->received, 1);
	free_before = slab->free_blocks;
	slab_put_blocks(slab, first, &block, 1);
	heap_count_add(&count->free, slab->free_blocks - free_before);
	filled = slab->free_blocks == slab_class(slab)->capacity;
	if (filled) {
		for (i = 0; i < units; i++)
			reservation.bin_of_unit[first + i] = reservation.nobody;
		heap_count_slab(heap, slab_class_number(slab), (uint32_t)-1, slab);
		slab_destroy(first);
	}
	lock_put(heap_fork_lock());
	if (filled)
		superslab_put_slab(first, units);
}

void heap_frozen_all_but(struct heap *own, void (*freeze)(struct heap *heap))
{
	struct heap *heap;

	for (heap = atomic_load_explicit(&heap_newest, memory_order_relaxed); heap;
	     heap = heap->next) {
		if (heap == own || heap_is_idle(heap))
			continue;
		atomic_store_explicit(&heap->hold, HEAP_FROZEN, memory_order_relaxed);
		freeze(heap);
	}
}
