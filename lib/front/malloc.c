/* SPDX-License-Identifier: MIT */
/*
 * malloc.c - the allocation functions, and what the fast path falls back to.
 *
 *   hak_malloc ── malloc_inline ─┬─ bin_drop_newest       (nearly always)
 *                                ├─ malloc_empty ── profiled_turn, or …
 *                                └─ malloc_slow ─┬─ to 1 MiB: thread_cache_refill ── heap …
 *                                                └─ larger: large_block_take
 *   hak_calloc ─┬─ to 8 KiB: malloc_inline, cleared
 *               └─ take_zeroed, take_large_zeroed: cleared where it was used before
 *   hak_realloc ─┬─ in place: the same class                      (mostly)
 *                └─ realloc_slow ── in place behind a large block, large_move, or a copy
 */
#include <config.h>

#include "front/malloc.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include <hakmem/hakmem.h>

#include "back/helper_link.h"
#include "back/large.h"
#include "back/large_move.h"
#include "back/limit.h"
#include "front/free.h"
#include "front/hardened.h"
#include "front/large_block.h"
#include "front/lease.h"
#include "front/misuse.h"
#include "front/profiled.h"
#include "front/sampled.h"
#include "support/options.h"

/* Above this size realloc asks the kernel to move pages instead of copying. */
#define MOVE_BYTES_LEAST	(32 * MiB)

static _Atomic size_t failures;	/* relaxed: a count */

size_t malloc_failures(void)
{
	return atomic_load_explicit(&failures, memory_order_relaxed);
}

void *malloc_fail(void)
{
	atomic_fetch_add_explicit(&failures, 1, memory_order_relaxed);
	errno = ENOMEM;
	return NULL;
}

static void *take(struct thread_cache *cache, size_t size)
{
	size_t dirty_bytes;

	if (unlikely(size > CLASS_SIZE_MAX))
		return large_block_take(cache, size, UNIT_SIZE, &dirty_bytes);
	return profiled_take(cache, thread_cache_step_class(cache, size), size);
}

static void *take_hardened(size_t bytes, bool zeroed)
{
	void *block = hardened_take(BLOCK_ALIGNMENT, bytes, zeroed);

	return likely(block != NULL) ? block : malloc_fail();
}

void *NOINLINE malloc_slow(size_t size)
{
	struct thread_cache *cache;
	void *block;

	helper_link_start_if_wanted();
	if (unlikely(options.hardened))
		return take_hardened(size, false);
	cache = lease_take();
	if (unlikely(!cache))
		return malloc_fail();
	block = take(cache, size);
	lease_put(cache);
	return likely(block != NULL) ? block : malloc_fail();
}

void *NOINLINE malloc_empty(size_t size, struct bin *bin)
{
	struct thread_cache *cache = thread_cache_tls.cache;
	void *block = profiled_turn(cache, bin);

	if (!block)
		return malloc_slow(size);
	thread_cache_end_work(cache);
	return block;
}

/* Bytes of a live block; misuse otherwise. verb: for the message. */
static size_t NOINLINE block_bytes_slow(const char *verb, void *block)
{
	size_t bytes = 0;

	if (unlikely(options.hardened))
		return hardened_usable_size(verb, block);
	if (unlikely(!misuse_is_in_heap(block)))
		misuse_explain(verb, block);
	if (reservation.bin_of_unit[reservation_unit_of(block)] != reservation.nobody)
		bytes = slab_block_bytes((uintptr_t)block - reservation.base);
	else if (large_look_up(block, &bytes) != LARGE_BLOCK)
		bytes = 0;
	if (unlikely(!bytes))
		misuse_explain(verb, block);
	return bytes;
}

/* The same of a block in a slab; 0: anything else, NULL too. */
static ALWAYS_INLINE size_t block_bytes_in_slab(void *block)
{
	uintptr_t offset = (uintptr_t)block - reservation.base;

	if (unlikely(offset / 16 >= reservation_span_steps() ||
		     reservation.bin_of_unit[offset >> UNIT_SHIFT] == reservation.nobody))
		return 0;
	return slab_block_bytes(offset);
}

/* calloc between the fast path's sizes and the large range: fresh slabs need no clearing. */
static void *take_zeroed(size_t size)
{
	struct thread_cache *cache = lease_take();
	unsigned class = size_class_of(size);
	bool zeroed = false;
	void *block = NULL;

	if (unlikely(!cache))
		return malloc_fail();
	if (!bin_newest(&cache->bins[class]))
		thread_cache_tend(cache, class);
	if (!bin_newest(&cache->bins[class]) && likely(!profile_is_on()))
		block = heap_take_block(&cache->heap, class, 1, &zeroed);
	if (!block)
		block = profiled_take(cache, class, size);
	lease_put(cache);
	if (unlikely(!block))
		return malloc_fail();
	return zeroed ? block : memset(block, 0, size);
}

static void *take_large_zeroed(size_t size)
{
	struct thread_cache *cache = lease_take();
	size_t dirty_bytes;
	void *block;

	if (unlikely(!cache))
		return malloc_fail();
	block = large_block_take(cache, size, UNIT_SIZE, &dirty_bytes);
	lease_put(cache);
	return block ? large_block_clear(block, size, dirty_bytes) : malloc_fail();
}

EXPORT void *hak_malloc(size_t size)
{
	return malloc_inline(size);
}

EXPORT void *hak_calloc(size_t count, size_t size)
{
	size_t bytes;
	void *block;

	if (unlikely(__builtin_mul_overflow(count, size, &bytes)))
		return malloc_fail();
	if (bytes > SMALL_SIZE_LIMIT && unlikely(options.hardened))
		return take_hardened(bytes, true);
	if (bytes > CLASS_SIZE_MAX)
		return take_large_zeroed(bytes);
	if (bytes > SMALL_SIZE_LIMIT)
		return take_zeroed(bytes);
	block = malloc_inline(bytes);
	return likely(block != NULL) ? memset(block, 0, bytes) : NULL;
}

static void *copy_and_free(void *moved, void *block, size_t bytes)
{
	memcpy(moved, block, bytes);
	free_inline(block);
	return moved;
}

static void *move_by_copy(void *block, size_t old_bytes, size_t bytes)
{
	void *moved = malloc_inline(bytes);

	return likely(moved != NULL) ? copy_and_free(moved, block, min_size(old_bytes, bytes)) :
				       NULL;
}

/*
 * A block that has to move to grow gets a quarter more, as in tcmalloc: a buffer that grows in
 * small steps is then copied three times a doubling at most, whatever the classes.
 */
static void *grow_by_copy(void *block, size_t old_bytes, size_t bytes)
{
	size_t roomy = old_bytes + old_bytes / 4;
	void *moved = NULL;

	if (bytes < roomy && roomy <= CLASS_SIZE_MAX)
		moved = malloc_inline(roomy);
	if (!moved)
		moved = malloc_inline(bytes);
	return likely(moved != NULL) ? copy_and_free(moved, block, old_bytes) : NULL;
}

/* What it is now is another allocation. */
static void *note_resized(void *block, size_t bytes)
{
	struct thread_cache *cache;

	sampled_drop_large(block);
	if (likely(!profile_is_on()))
		return block;
	cache = lease_take();
	if (cache) {
		sampled_judge_large(cache, block, bytes);
		lease_put(cache);
	}
	return block;
}

static void *resize_large(void *block, size_t old_bytes, size_t bytes)
{
	void *moved = NULL;

	if (bytes > PTRDIFF_MAX)
		return malloc_fail();
	if (large_resize_in_place(block, bytes)) {
		if (bytes <= old_bytes || limit_holds())
			return note_resized(block, bytes);
		large_resize_in_place(block, old_bytes);
		return move_by_copy(block, old_bytes, bytes);
	}
	if (old_bytes >= MOVE_BYTES_LEAST) {
		sampled_drop_large(block);
		moved = large_move(block, bytes);
	}
	return moved ? note_resized(moved, bytes) : move_by_copy(block, old_bytes, bytes);
}

/* In place as long as half of it or more stays in use. */
static inline bool stays(size_t old_bytes, size_t bytes)
{
	return bytes <= old_bytes && bytes >= old_bytes / 2;
}

/* old_bytes: 0 if the block is in no slab. */
static void *NOINLINE realloc_slow(void *block, size_t old_bytes, size_t bytes)
{
	if (!block)
		return malloc_inline(bytes);
	if (!old_bytes)
		old_bytes = block_bytes_slow("realloc", block);
	if (bytes == 0) {
		free_inline(block);
		return NULL;
	}
	if (old_bytes > CLASS_SIZE_MAX && bytes > CLASS_SIZE_MAX && !options.hardened)
		return resize_large(block, old_bytes, bytes);
	/* Of the smallest class, however little of it stays in use. */
	if (stays(old_bytes, bytes) || (bytes <= old_bytes && old_bytes == BLOCK_ALIGNMENT))
		return block;
	return bytes > old_bytes ? grow_by_copy(block, old_bytes, bytes) :
				   move_by_copy(block, old_bytes, bytes);
}

EXPORT void *hak_realloc(void *block, size_t bytes)
{
	size_t old_bytes = block_bytes_in_slab(block);

	if (likely(old_bytes && stays(old_bytes, bytes)))
		return block;
	return realloc_slow(block, old_bytes, bytes);
}

EXPORT void *hak_reallocarray(void *block, size_t count, size_t size)
{
	size_t bytes;

	if (unlikely(__builtin_mul_overflow(count, size, &bytes)))
		return malloc_fail();
	return hak_realloc(block, bytes);
}

EXPORT size_t hak_malloc_usable_size(void *block)
{
	size_t bytes = block_bytes_in_slab(block);

	return likely(bytes || !block) ? bytes : block_bytes_slow("malloc_usable_size", block);
}
