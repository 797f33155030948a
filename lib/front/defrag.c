/* SPDX-License-Identifier: MIT */
/*
 * defrag.c - see defrag.h. The hint is worked out of two records and two counts: neither a lock is
 * taken nor a block touched.
 */
#include <config.h>

#include "front/defrag.h"

#include <hakmem/hakmem.h>

#include "back/helper_link.h"
#include "front/free.h"
#include "front/lease.h"
#include "front/misuse.h"
#include "front/profiled.h"
#include "support/options.h"

/* What is nearly full stays: the moves would cost more than they free. */
#define FREE_SHARE	32

/* The record of the slab that an address is in, and whose it is; NULL: in none. */
static struct slab *find_slab(const void *block, struct heap **heap)
{
	uint32_t unit;

	if (!misuse_is_in_heap(block) || bin_of_block(block) == reservation.nobody)
		return NULL;
	unit = reservation_unit_of(block);
	/* relaxed: a block reaches another thread only by the program's own ordering */
	*heap = atomic_load_explicit(&slab_unit(unit)->heap, memory_order_relaxed);
	return *heap ? slab_at(unit) : NULL;
}

/* Of the owner, who writes meanwhile: what was compared is what is used. */
static uint32_t RACY_READER read_once(const uint32_t *number)
{
	return *(const volatile uint32_t *)number;
}

bool RACY_READER defrag_look(const void *block, struct defrag_place *place)
{
	struct heap *heap;
	struct slab *slab = find_slab(block, &heap);
	const struct heap_count *counts;
	uint32_t head;

	if (!slab)
		return false;
	counts = &heap->counts[slab_class_number(slab)];
	head = read_once(&heap->available[slab_class_number(slab)].head);
	place->free = slab->free_blocks;
	place->capacity = slab_class(slab)->capacity;
	place->bytes = slab_class(slab)->units * UNIT_SIZE;
	place->free_of_all = heap_count_read(&counts->free);
	place->capacity_of_all = place->capacity * heap_count_read(&counts->slabs);
	place->filled = head ? reservation_unit_start(index_from_link(head)) : NULL;
	return true;
}

/*
 * Of slabs that have room and are not empty: emptier than they are on the average, or up to an
 * eighth above, lest equal ones all stay. The one that is filled next is what the others go into.
 */
EXPORT int RACY_READER hak_defrag_hint(const void *block)
{
	struct heap *heap;
	struct slab *slab = find_slab(block, &heap);
	const struct slab_list *list;
	uint64_t capacity, slabs, free_blocks, live;
	uint32_t head, count, empty;

	if (!slab || !slab->listed || heap_is_frozen(heap))
		return 0;
	list = &heap->available[slab_class_number(slab)];
	head = read_once(&list->head);
	count = read_once(&list->count);
	empty = read_once(&list->empty);
	capacity = slab_class(slab)->capacity;
	if (!head || count < empty + 2 || head == slab_first_unit(reservation_unit_of(block)) + 1 ||
	    slab->free_blocks < capacity / FREE_SHARE)
		return 0;
	slabs = count - empty - 1;
	free_blocks = heap_count_read(&heap->counts[slab_class_number(slab)].free) -
		      (uint64_t)empty * capacity - slab_unit(index_from_link(head))->free_blocks;
	live = slabs * capacity - free_blocks;
	return (capacity - slab->free_blocks) * slabs * 8 <= live * 9;
}

bool defrag_may_take(size_t size)
{
	return size <= CLASS_SIZE_MAX && !options.hardened && !profile_is_on();
}

void *defrag_take(size_t size)
{
	struct thread_cache *cache = lease_take();
	unsigned class;
	void *block = NULL;
	bool zeroed;

	if (!cache)
		return NULL;
	class = thread_cache_step_class(cache, size);
	if (!common_is_shared(&cache->common, class)) {
		thread_cache_tend(cache, class);
		block = heap_take_block(&cache->heap, class, 1, &zeroed);
	}
	if (!block)
		block = profiled_take(cache, class, size);
	lease_put(cache);
	helper_link_start_if_wanted();
	return block;
}

/*
 * Sampled and shared blocks, and those of other threads, are of other heaps; one that is marked is
 * nobody's, as free() sees it.
 */
static bool is_own(const void *block)
{
	struct bin *bin = reservation.bin_of_unit[reservation_unit_of(block)];

	return bin != reservation.nobody &&
	       atomic_load_explicit(&thread_cache_bin_owner(bin)->thread, memory_order_relaxed) ==
		       thread_identity();
}

void defrag_put(void *block)
{
	if ((uintptr_t)block % BLOCK_ALIGNMENT == 0 && misuse_is_in_heap(block) && is_own(block))
		lease_send_home(block);
	else
		free_inline(block);
}
