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
/* Another thread's block, a large block, or no block at all. */
void free_not_mine(void *block);
/* The block that was freed last is freed again. */
void free_twice(void *block) NORETURN;

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
		return free_not_mine(block);
	if (unlikely(bin->head == block))
		free_twice(block);
	thread_cache_push(bin, block);
	if (unlikely(bin->room < 0))
		thread_cache_flush(bin);
}

#endif
