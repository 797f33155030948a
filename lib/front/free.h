/* SPDX-License-Identifier: MIT */
/*
 * free.h - the fast path of free(), to be compiled into whatever function bears the name:
 * no loop, no lock, no atomic read-modify-write.
 */
#ifndef HAKMEM_FRONT_FREE_H
#define HAKMEM_FRONT_FREE_H

#include "front/thread_cache.h"

/* Out of span: NULL, unaligned, foreign. */
void free_outside(void *block);
/* Another thread's block, a large block, or no block at all; bin: what its unit leads to. */
void free_not_mine(void *block, struct bin *bin);
/* The bin has no room for it. */
void free_full(struct bin *bin, void *block);
/* One of the two blocks that were freed last is freed again. */
void free_twice(void *block) NORETURN;

/* Of the calling thread's own cache. */
static ALWAYS_INLINE void free_into(struct bin *bin, void *block)
{
	void **top = bin->top;

	/* Below the oldest block there are two empty slots. */
	if (unlikely(top[0] == block || top[-1] == block))
		free_twice(block);
	if (unlikely(top >= bin->full))
		return free_full(bin, block);
	bin_push(bin, block);
}

static ALWAYS_INLINE void free_inline(void *block)
{
	uintptr_t offset = (uintptr_t)block - reservation.base;
	/* Rotated, an unaligned offset is above any span: one compare refuses both. */
	uintptr_t step = offset >> 4 | offset << 60;
	struct bin *bin;

	if (unlikely(step >= reservation_span_steps()))
		return free_outside(block);
	bin = reservation.bin_of_unit[step >> (UNIT_SHIFT - 4)];
	/* relaxed: only the value that this thread itself wrote can be equal */
	if (unlikely(atomic_load_explicit(&thread_cache_bin_owner(bin)->thread,
					  memory_order_relaxed) != thread_identity()))
		return free_not_mine(block, bin);
	free_into(bin, block);
}

/* Says so if a block of so many bytes cannot be this one. */
void free_check_size(void *block, size_t size);

/* The bin that a size leads to; one that is always empty while the cache is seized. */
static ALWAYS_INLINE struct bin *free_bin_of_size(struct thread_cache *cache, size_t size)
{
	size_t offset = atomic_load_explicit(&cache->bin_of_step[(size + 15) >> 4],
					     memory_order_relaxed);

	return (struct bin *)((char *)cache + offset * 8);
}

/* For who knows the size: what is of another class than the size's is looked at. */
static ALWAYS_INLINE void free_sized_inline(void *block, size_t size)
{
	uintptr_t offset = (uintptr_t)block - reservation.base;
	uintptr_t step = offset >> 4 | offset << 60;

	if (unlikely(size >= thread_cache_tls.small_size_limit ||
		     step >= reservation_span_steps() ||
		     reservation.bin_of_unit[step >> (UNIT_SHIFT - 4)] !=
			     free_bin_of_size(thread_cache_tls.cache, size)))
		free_check_size(block, size);
	free_inline(block);
}

#endif
