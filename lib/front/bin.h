/* SPDX-License-Identifier: MIT */
/*
 * bin.h - a thread's free blocks of one size class: a stack of pointers, outside of the heap.
 * Nothing is ever read from a free block, or written to it.
 *
 *   │ NULL │ NULL │ oldest … newest │ … room … │ … │
 *            bottom             top         full
 *
 * Who may run with whom: as thread_cache.h, whose bins these are.
 */
#ifndef HAKMEM_FRONT_BIN_H
#define HAKMEM_FRONT_BIN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "back/marked.h"
#include "back/reservation.h"
#include "support/compiler.h"

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

/*
 * blocks = top - bottom; full - bottom <= limit. No field is atomic, though seizure.c and reports
 * read top: the fast paths change it in memory by one instruction, and where it matters
 * seizure.c has barriers.
 */
struct bin {
	void **top;	/* the newest block; at the bottom NULL: the bin is empty */
	void **full;	/* top gets no higher without a slow path */
};

_Static_assert(sizeof(struct bin) == MARKED_BIN_BYTES,
	       "marked.c enters the second of nobody's bins");

/*
 * A bin keeps its pointers in an array of a power of two of slots, which is never given back: what
 * one bin has outgrown serves another of the cache.
 */
#define BIN_ARRAY_LEAST		16u	/* slots: 24 bins of them take 3 KiB */
#define BIN_ARRAY_ORDERS	11
#define BIN_ARRAY_MOST		(BIN_ARRAY_LEAST << (BIN_ARRAY_ORDERS - 1))	/* 16384 */

static inline uint32_t bin_array_slots(unsigned order)
{
	return BIN_ARRAY_LEAST << order;
}

/* Arrays that no bin uses, by order, linked through their first slots. */
struct slot_pool {
	void **unused[BIN_ARRAY_ORDERS];
};

/* The rest of a bin, off the fast paths. */
struct bin_slots {
	void **array;
	uint16_t bottom;	/* index of the higher NULL */
	/* of the array; BIN_ARRAY_ORDERS: there is none */
	uint8_t order;
};

#define BIN_SLOTS_NONE	2	/* of a bin without an array: NULL, never written */

/* An empty bin without an array, which is full. */
void bin_begin(struct bin *bin, struct bin_slots *slots, void **none);

/* False: it has never held a block. */
static inline bool bin_has_array(const struct bin_slots *slots)
{
	return slots->order != BIN_ARRAY_ORDERS;
}

static RACY_READER inline void **bin_bottom(const struct bin_slots *slots)
{
	return slots->array + slots->bottom;
}

static inline uint32_t bin_count(const struct bin *bin, const struct bin_slots *slots)
{
	return (uint32_t)(bin->top - bin_bottom(slots));
}

/* For a unit of a slab in which something is marked: its record knows. */
struct bin *bin_of_marked(uint32_t unit);

/* Where a free block goes, whatever free()'s fast path is led to. */
static ALWAYS_INLINE struct bin *bin_of_block(const void *block)
{
	uint32_t unit = reservation_unit_of(block);
	void *bin = reservation.bin_of_unit[unit];

	return likely(bin != marked_bin()) ? bin : bin_of_marked(unit);
}

/* NULL: it is empty. */
static ALWAYS_INLINE void *bin_newest(const struct bin *bin)
{
	return *bin->top;
}

/*
 * Takes the newest block out of a bin that is not empty. Behind the compiler's barrier top is
 * changed where it is, by one instruction instead of two.
 */
static ALWAYS_INLINE void bin_drop_newest(struct bin *bin)
{
	atomic_signal_fence(memory_order_seq_cst);
	bin->top--;
}

/*
 * For ThreadSanitizer, which knows nothing of membarrier(2): what its thread did before a push is
 * seen by who reads the bin behind a barrier. No instruction elsewhere.
 */
static ALWAYS_INLINE void bin_note_push(struct bin *bin)
{
#ifdef __SANITIZE_THREAD__
	__tsan_release(bin);
#else
	(void)bin;
#endif
}

static ALWAYS_INLINE void bin_note_seizure(struct bin *bin)
{
#ifdef __SANITIZE_THREAD__
	__tsan_acquire(bin);
#else
	(void)bin;
#endif
}

/*
 * Adds a block to a bin that is not full. The slot is written first: whoever seizes the cache
 * has a barrier between reading top and the slots below it.
 */
static ALWAYS_INLINE void bin_push(struct bin *bin, void *block)
{
	bin_note_push(bin);
	bin->top[1] = block;
	atomic_signal_fence(memory_order_seq_cst);
	bin->top++;
}

/*
 * The same, of several, which will be handed out soon: their first lines are asked for, and not
 * read. There is room for them.
 */
static inline void bin_push_some(struct bin *bin, void *const *blocks, unsigned count)
{
	void **top = bin->top;
	unsigned i;

	bin_note_push(bin);
	for (i = 0; i < count; i++) {
		fetch_to_write(blocks[i]);
		top[1 + i] = blocks[i];
	}
	atomic_signal_fence(memory_order_seq_cst);
	bin->top = top + count;
}

/* It may be filled to its limit, or to the end of its array. */
void bin_mark_full(struct bin *bin, const struct bin_slots *slots, uint32_t limit);

/* Room for more blocks while it is below its limit. False: it is not, or there is no memory. */
bool bin_make_room(struct bin *bin, struct bin_slots *slots, uint32_t limit,
		   struct slot_pool *pool);

/* How many blocks an empty one can take; of those wanted its array may double for some. */
uint32_t bin_reserve(struct bin *bin, struct bin_slots *slots, uint32_t limit,
		     struct slot_pool *pool, uint32_t wanted);

/* The oldest ones have gone elsewhere. */
void bin_forget_oldest(struct bin_slots *slots, uint32_t count);

/* The newest ones have. */
void bin_forget_newest(struct bin *bin, uint32_t count);

/* Its array goes on so far above its top. */
bool bin_has_slots(const struct bin *bin, const struct bin_slots *slots, uint32_t count);

/*
 * Its blocks move to the beginning of the array, if so many could not be pushed, and if they are
 * not too many to be moved.
 */
void bin_move_down(struct bin *bin, struct bin_slots *slots, uint32_t room);

/* The blocks up to this one have gone: the others close up. */
void bin_close_gap(struct bin *bin, const struct bin_slots *slots, void **gone);

#endif
