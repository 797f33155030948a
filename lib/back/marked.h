/* SPDX-License-Identifier: MIT */
/*
 * marked.h - which part of the heap the program has made unwritable, by mprotect(2), watches, by a
 * userfaultfd of its own, or keeps from children (madvise(2)). Memory that is freed so is opened
 * again, or mapped anew, before somebody else gets it: it might be the thread that answers the
 * faults. Noted is one range of each kind, from the lowest to the highest: programs do it to few
 * blocks, or to none.
 *
 * Who may run with whom: anyone with anyone, in signal handlers, too.
 */
#ifndef HAKMEM_BACK_MARKED_H
#define HAKMEM_BACK_MARKED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "back/reservation.h"
#include "support/compiler.h"

#define MARKED_BIN_BYTES	16	/* of one bin: see front/thread_cache.h */

/* Relaxed: whoever frees the block knows that it was marked. No range: the end is 0. */
extern _Atomic uintptr_t marked_start HIDDEN, marked_end HIDDEN;

/* The program has made it unwritable; outside of the heap it is nothing to us. */
void marked_note(uintptr_t start, size_t bytes);

/* Its faults are the program's to answer from now on. */
void marked_note_watched(uintptr_t start, size_t bytes);

/*
 * What the units of slabs in which something is marked lead to instead of a bin: the second of
 * nobody's, so free() takes its slow path for their blocks. The slab's record knows the bin.
 */
static inline void *marked_bin(void)
{
	return (char *)reservation.nobody + MARKED_BIN_BYTES;
}

/* What a unit of a slab leads to, unless it is marked. */
void marked_enter(uint32_t unit, void *bin);

/* Free memory, before it is anybody's. */
void marked_clear(void *start, size_t bytes);

/* The whole pages of a block that is being freed, and will be written to. */
void marked_clear_inside(void *block, size_t bytes);

/* One compare where the program has marked none. False: nothing from here on is marked. */
static inline bool marked_reaches(const void *start)
{
	return (uintptr_t)start < atomic_load_explicit(&marked_end, memory_order_relaxed);
}

#endif
