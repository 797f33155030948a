/* SPDX-License-Identifier: MIT */
/*
 * own_heap.c - heaps that the program makes for itself (hak_heap_*): what is allocated from
 * one can be freed all at once, and comes from a node if asked.
 *
 * Such a heap is some thread caches that belong to no thread ("seats"). An allocation takes
 * one that nobody works in, or makes another: nobody waits. What is freed goes to its seat at
 * once, by whichever thread, never by way of an outbox: so all that is neither in a slab nor in
 * the seat is live, and can go when the heap does.
 */
#include <config.h>

#include <stdatomic.h>

#include <hakmem/hakmem.h>

#include "back/helper_link.h"
#include "back/large.h"
#include "back/large_owner.h"
#include "back/metadata.h"
#include "front/aligned.h"
#include "front/extended.h"
#include "front/guarded.h"
#include "front/hardened.h"
#include "front/lease.h"
#include "front/malloc.h"
#include "os/node.h"
#include "support/options.h"

struct seat {
	struct thread_cache cache;
	struct seat *next;		/* written before it is known */
};

struct hak_heap {
	_Atomic(struct seat *) seats;	/* release: pairs with the acquire in take_seat */
	struct hak_heap *next;		/* in the pool */
	unsigned home;
	uint32_t number;		/* its large blocks are marked with it; not 0 */
};

/* Metadata is never given back: heaps that were destroyed, seats and all, serve again. */
static _Atomic(struct hak_heap *) pool;
static _Atomic uint32_t last_number;	/* relaxed: any order will do */

static void put_into_pool(struct hak_heap *first, struct hak_heap *last)
{
	struct hak_heap *head = atomic_load_explicit(&pool, memory_order_relaxed);

	do {
		last->next = head;
		/* release: pairs with the acquire in take_from_pool */
	} while (!atomic_compare_exchange_weak_explicit(&pool, &head, first, memory_order_release,
							memory_order_relaxed));
}

/* By taking all of them at once, so that an address that comes back does no harm (no ABA). */
static struct hak_heap *take_from_pool(unsigned home)
{
	struct hak_heap *all = atomic_exchange_explicit(&pool, NULL, memory_order_acquire);
	struct hak_heap **link = &all, *found, *last;

	while (*link && (*link)->home != home)
		link = &(*link)->next;
	found = *link;
	if (found)
		*link = found->next;
	for (last = all; last && last->next;)
		last = last->next;
	if (last)
		put_into_pool(all, last);
	return found;
}

static struct seat *own_heap_make_seat(struct hak_heap *heap)
{
	struct seat *seat = metadata_take(sizeof(*seat));
	struct seat *head = atomic_load_explicit(&heap->seats, memory_order_relaxed);

	if (!seat)
		return NULL;
	heap_keep(&seat->cache.heap);
	thread_cache_init(&seat->cache, heap->home);
	do {
		seat->next = head;
	} while (!atomic_compare_exchange_weak_explicit(&heap->seats, &head, seat,
							memory_order_release,
							memory_order_relaxed));
	return seat;
}

/* One that nobody works in; NULL: no memory. */
static struct seat *own_heap_take_seat(struct hak_heap *heap)
{
	struct seat *seat = atomic_load_explicit(&heap->seats, memory_order_acquire);

	for (; seat; seat = seat->next)
		if (heap_take_kept(&seat->cache.heap))
			return seat;
	return own_heap_make_seat(heap);
}

static void put_seat(struct seat *seat)
{
	heap_put_kept(&seat->cache.heap);
	remote_free_visit_if_idle(&seat->cache.heap);
}

static void *own_heap_take_block(struct hak_heap *heap, struct thread_cache *cache, size_t size,
				 int flags)
{
	void *block = extended_take(cache, size, flags);

	if (block && reservation.bin_of_unit[reservation_unit_of(block)] == reservation.nobody)
		large_owner_set(block, heap->number);
	return block;
}

EXPORT struct hak_heap *hak_heap_create(int flags)
{
	/* the first use of the library, it may be */
	struct thread_cache *cache = lease_take();
	struct hak_heap *heap;
	unsigned home;

	if (!cache)
		return malloc_fail();
	home = extended_home(flags, cache->heap.home);
	lease_put(cache);
	heap = take_from_pool(home);
	if (heap)
		return heap;
	heap = metadata_take(sizeof(*heap));
	if (!heap)
		return malloc_fail();
	heap->home = home;
	heap->number = atomic_fetch_add_explicit(&last_number, 1, memory_order_relaxed) + 1;
	return heap;
}

EXPORT void *hak_heap_allocx(struct hak_heap *heap, size_t size, int flags)
{
	struct seat *seat;
	void *block = NULL;

	helper_link_start_if_wanted();
	seat = own_heap_take_seat(heap);
	if (seat) {
		block = own_heap_take_block(heap, &seat->cache, size, flags);
		put_seat(seat);
	}
	return extended_finish(block, size, flags);
}

EXPORT void *hak_heap_alloc(struct hak_heap *heap, size_t size)
{
	return hak_heap_allocx(heap, size, 0);
}

static void free_large(const struct hak_heap *heap)
{
	void *block;

	while ((block = large_owner_find(heap->number))) {
		if (options.hardened)
			guarded_free(block);
		else
			large_put(block);
	}
}

/* Another thread that frees into a seat is done at once: it makes no system call meanwhile. */
static void empty_seat(struct seat *seat)
{
	while (!heap_take_kept(&seat->cache.heap)) {
		if (heap_is_frozen(&seat->cache.heap))
			return;		/* torn by a fork: it stays as it is */
		thread_yield();
	}
	thread_cache_flush_bins(&seat->cache);
	heap_drop_slabs(&seat->cache.heap);
	put_seat(seat);
}

EXPORT void hak_heap_destroy(struct hak_heap *heap)
{
	struct seat *seat;

	if (!heap)
		return;
	for (seat = atomic_load_explicit(&heap->seats, memory_order_acquire); seat;
	     seat = seat->next)
		empty_seat(seat);
	free_large(heap);
	put_into_pool(heap, heap);
}
