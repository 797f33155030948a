/* SPDX-License-Identifier: MIT */
/*
 * free.c - the freeing functions, and what the fast path falls back to.
 *
 *   hak_free ── free_inline ─┬─ bin_push                  (nearly always)
 *                            ├─ free_full ── thread_cache_push_full ── heap …
 *                            ├─ free_not_mine ─┬─ remote_free_add    (mostly)
 *                            │                 └─ free_apart ─┬─ free_remote ── remote_free_push
 *                            │                                └─ large_put
 *                            └─ free_outside: NULL, or misuse
 */
#include <config.h>

#include "front/free.h"

#include <hakmem/hakmem.h>

#include "back/helper_link.h"
#include "back/large.h"
#include "back/marked.h"
#include "front/hardened.h"
#include "front/lease.h"
#include "front/misuse.h"
#include "front/sampled.h"
#include "support/log.h"
#include "support/options.h"
#include "support/probe.h"

PROBE(large_free);	/* block, bytes that it held */

#define SIZES_REPORTED	8	/* then the log has seen enough */

void free_twice(void *block)
{
	misuse_double_free(block);
}

/* A block of a common heap goes into the bin of its class. False: the class has left; send it. */
static bool free_common(struct thread_cache *cache, struct heap *owner, unsigned class, void *block)
{
	struct bin *bin = &cache->bins[class];

	if (!common_is_shared(&cache->common, class) || owner->home != cache->heap.home)
		return false;
	common_note(&cache->common, class, 1);
	if (unlikely(bin->top[0] == block || bin->top[-1] == block))
		free_twice(block);
	if (likely(bin->top < bin->full))
		bin_push(bin, block);
	else
		thread_cache_push_full(bin, block);
	return true;
}

static bool is_kept_apart(const struct heap *heap)
{
	return heap_is_kept(heap) && !heap_is_common(heap);
}

static void NOINLINE free_remote(struct bin *bin, void *block)
{
	struct heap *owner = &thread_cache_bin_owner(bin)->cache->heap;
	struct thread_cache *cache;
	unsigned class;
	void *twin;

	if (unlikely(heap_is_kept(owner)) && sampled_free(owner, block, &twin)) {
		if (twin)
			free_inline(twin);
		return;
	}
	cache = is_kept_apart(owner) ? NULL : lease_take_own();
	/* Its thread is on its way out, or its cache is seized, or the heap is nobody's. */
	if (unlikely(!cache)) {
		lease_send_home(block);
		return;
	}
	/* Out of span, as long as it lasts; or attaching has given us the block's own heap. */
	if (unlikely(owner == &cache->heap)) {
		lease_put(cache);
		free_into(bin, block);
		return;
	}
	class = thread_cache_block_class(bin, block);
	if (heap_is_common(owner) && free_common(cache, owner, class, block)) {
		lease_put(cache);
		return;
	}
	heap_count_add(&cache->heap.counts[class].sent, 1);
	/* Where there is no memory even for a message, the block stays lost. */
	remote_free_push(&cache->outbox, owner, block, class);
	lease_put(cache);
}

void NOINLINE free_full(struct bin *bin, void *block)
{
	struct thread_cache *cache = lease_take_own();

	if (unlikely(!cache)) {
		/* It is seized, and what is sent to it waits. */
		lease_send_home(block);
		return;
	}
	/* Resuming may have made room, or not. */
	thread_cache_push_full(bin, block);
	lease_put(cache);
	helper_link_start_if_wanted();
}

static enum large_lookup put_large(void *block)
{
	size_t bytes;

	if (PROBE_IS_WATCHED(large_free) && large_look_up(block, &bytes) == LARGE_BLOCK)
		PROBE_2(large_free, block, bytes);
	sampled_drop_large(block);
	return large_put(block);
}

/* Its slab has memory that the program has made read-only, or watches; this block may be it. */
static void NOINLINE free_marked(void *block)
{
	size_t bytes = slab_block_bytes((uintptr_t)block - reservation.base);
	struct bin *bin = bin_of_block(block);

	if (unlikely(!bytes))
		misuse_explain("free", block);
	marked_clear_inside(block, bytes);
	if (atomic_load_explicit(&thread_cache_bin_owner(bin)->thread, memory_order_relaxed) ==
	    thread_identity())
		free_into(bin, block);
	else
		free_not_mine(block, bin);
}

static void NOINLINE free_apart(void *block, struct bin *bin)
{
	if (unlikely(options.hardened))
		hardened_free(block);
	else if (unlikely((void *)bin == marked_bin()))
		free_marked(block);
	else if (bin != reservation.nobody)
		free_remote(bin, block);
	else if (unlikely(put_large(block) != LARGE_BLOCK))
		misuse_explain("free", block);
	helper_link_start_if_wanted();
}

/* False: it takes a slow path. */
static ALWAYS_INLINE bool add_to_batch(struct thread_cache *cache, void *block, struct bin *bin)
{
	struct heap *owner = &thread_cache_bin_owner(bin)->cache->heap;
	unsigned class = thread_cache_bin_class(bin);

	if (unlikely(class == CLASS_COUNT || !heap_is_owned(&cache->heap) ||
		     !remote_free_add(&cache->outbox, owner, block, class)))
		return false;
	heap_count_add(&cache->heap.counts[class].sent, 1);
	return true;
}

/* For an address of the heap that is aligned to 16 bytes. */
void NOINLINE free_not_mine(void *block, struct bin *bin)
{
	struct thread_cache *cache = thread_cache_tls.cache;
	bool added;

	/* No limit: no cache, or hardened. No cache of the owner: it is nobody's. */
	if (unlikely(!thread_cache_tls.small_size_limit || !thread_cache_bin_owner(bin)->cache)) {
		free_apart(block, bin);
		return;
	}
	thread_cache_begin_work(cache);
	added = add_to_batch(cache, block, bin);
	thread_cache_end_work(cache);
	if (unlikely(!added))
		free_apart(block, bin);
}

void NOINLINE free_outside(void *block)
{
	if (!block)
		return;
	/* Opened, but not in the span yet: another thread is still opening memory below it. */
	if ((uintptr_t)block % BLOCK_ALIGNMENT == 0 && misuse_is_in_heap(block))
		free_not_mine(block, reservation.bin_of_unit[reservation_unit_of(block)]);
	else
		misuse_explain("free", block);
}

static void report_size(const void *block, size_t size, size_t usable)
{
	static _Atomic unsigned reported;

	if (atomic_fetch_add_explicit(&reported, 1, memory_order_relaxed) < SIZES_REPORTED)
		log_warning("free of %p as %zu bytes, which is a block of %zu", block, size,
			    usable);
}

/*
 * Only what cannot be right: a realloc in place leaves a block up to twice as large as its
 * size says. Free itself decides what is no block at all.
 */
void NOINLINE free_check_size(void *block, size_t size)
{
	size_t usable;

	/* Then the sizes lead elsewhere (counted.h), and this is on the way of each free. */
	if (profile_is_on())
		return;
	if (!block || (uintptr_t)block % BLOCK_ALIGNMENT || !misuse_is_in_heap(block))
		return;
	if (unlikely(options.hardened)) {
		hardened_check_size(block, size);
		return;
	}
	if (reservation.bin_of_unit[reservation_unit_of(block)] == reservation.nobody)
		return;
	usable = slab_block_bytes((uintptr_t)block - reservation.base);
	if (!usable)
		return;
	if (unlikely(size > usable ||
		     size_class_table[size_class_of(size)].size < usable / 2))
		report_size(block, size, usable);
}

EXPORT void hak_free(void *block)
{
	free_inline(block);
}

EXPORT void hak_free_sized(void *block, size_t size)
{
	free_sized_inline(block, size);
}

EXPORT void hak_free_aligned_sized(void *block, size_t alignment, size_t size)
{
	(void)alignment;
	(void)size;
	free_inline(block);
}
