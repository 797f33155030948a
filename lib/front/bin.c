/* SPDX-License-Identifier: MIT */
/*
 * bin.c - see bin.h. All of it is off the fast paths; called by thread_cache.c.
 */
#include <config.h>

#include "front/bin.h"

#include <string.h>

#include "back/metadata.h"
#include "middle/heap.h"
#include "middle/slab.h"

#define BOTTOM_FIRST	1	/* two empty slots: see free_into */
#define ROOM_TO_FLUSH	32	/* slots beyond the limit, and a quarter of it */
#define MOVED_MOST	1024	/* blocks in an array that is kept: a free does not wait for more */

void bin_begin(struct bin *bin, struct bin_slots *slots, void **none)
{
	*slots = (struct bin_slots){ none, BOTTOM_FIRST, BIN_ARRAY_ORDERS };
	bin->top = bin->full = none + BOTTOM_FIRST;
}

struct bin *bin_of_marked(uint32_t unit)
{
	const struct slab *slab = slab_at(unit);
	struct heap *heap = atomic_load_explicit(&slab->heap, memory_order_relaxed);
	unsigned class = slab_guests(slab) ? CLASS_COUNT : slab_class_number(slab);

	return (struct bin *)(heap->bins + class * HEAP_BIN_BYTES);
}

static uint32_t slots_count(const struct bin_slots *slots)
{
	return slots->order == BIN_ARRAY_ORDERS ? BIN_SLOTS_NONE : bin_array_slots(slots->order);
}

static uint32_t slots_above(const struct bin *bin, const struct bin_slots *slots)
{
	return (uint32_t)(slots->array + slots_count(slots) - 1 - bin->top);
}

void bin_mark_full(struct bin *bin, const struct bin_slots *slots, uint32_t limit)
{
	void **full = bin_bottom(slots) + limit, **last = slots->array + slots_count(slots) - 1;

	bin->full = full < last ? full : last;
}

/* Without a system call. NULL: no memory that is open already. */
static void **take_array(struct slot_pool *pool, unsigned order)
{
	void **array = pool->unused[order];

	if (!array)
		return metadata_take_open(bin_array_slots(order) * sizeof(void *));
	pool->unused[order] = *array;
	return array;
}

static void put_array(struct slot_pool *pool, void **array, unsigned order)
{
	*array = pool->unused[order];
	pool->unused[order] = array;
}

/* To an array, its own or another. */
static void move_to(struct bin *bin, struct bin_slots *slots, void **array)
{
	uint32_t count = bin_count(bin, slots);

	memmove(array + BOTTOM_FIRST + 1, bin_bottom(slots) + 1, count * sizeof(*array));
	array[BOTTOM_FIRST - 1] = array[BOTTOM_FIRST] = NULL;
	slots->array = array;
	slots->bottom = BOTTOM_FIRST;
	bin->top = array + BOTTOM_FIRST + count;
}

/* Room beyond the limit lets blocks be moved down seldom while a bin flushes. */
static bool is_large_enough(const struct bin_slots *slots, uint32_t limit)
{
	return slots_count(slots) >= limit + limit / 4 + ROOM_TO_FLUSH;
}

/* False: the array is as large as is of use, or there is no memory. */
static bool bin_grow(struct bin *bin, struct bin_slots *slots, uint32_t limit,
		     struct slot_pool *pool)
{
	bool has_none = slots->order == BIN_ARRAY_ORDERS;
	unsigned order = has_none ? 0 : slots->order + 1u;
	void **old = slots->array, **array;

	if (order == BIN_ARRAY_ORDERS || (!has_none && is_large_enough(slots, limit)))
		return false;
	array = take_array(pool, order);
	if (!array)
		return false;
	move_to(bin, slots, array);
	if (!has_none)
		put_array(pool, old, order - 1);
	slots->order = (uint8_t)order;
	return true;
}

bool bin_make_room(struct bin *bin, struct bin_slots *slots, uint32_t limit, struct slot_pool *pool)
{
	if (bin_count(bin, slots) >= limit)
		return false;
	bin_mark_full(bin, slots, limit);
	if (bin->top < bin->full)
		return true;
	if (!bin_grow(bin, slots, limit, pool))
		bin_move_down(bin, slots, 1);
	bin_mark_full(bin, slots, limit);
	return bin->top < bin->full;
}

uint32_t bin_reserve(struct bin *bin, struct bin_slots *slots, uint32_t limit,
		     struct slot_pool *pool, uint32_t wanted)
{
	if (slots->bottom != BOTTOM_FIRST)
		move_to(bin, slots, slots->array);
	if (slots_above(bin, slots) < wanted)
		bin_grow(bin, slots, limit, pool);
	return slots_above(bin, slots);
}

void bin_forget_oldest(struct bin_slots *slots, uint32_t count)
{
	void **bottom;

	slots->bottom = (uint16_t)(slots->bottom + count);
	bottom = bin_bottom(slots);
	bottom[-1] = bottom[0] = NULL;
}

void bin_move_down(struct bin *bin, struct bin_slots *slots, uint32_t room)
{
	if (slots_above(bin, slots) < room && slots->bottom != BOTTOM_FIRST &&
	    bin_count(bin, slots) <= MOVED_MOST)
		move_to(bin, slots, slots->array);
}

bool bin_has_slots(const struct bin *bin, const struct bin_slots *slots, uint32_t count)
{
	return slots_above(bin, slots) >= count;
}

void bin_forget_newest(struct bin *bin, uint32_t count)
{
	atomic_signal_fence(memory_order_seq_cst);
	bin->top -= count;
}

void bin_close_gap(struct bin *bin, const struct bin_slots *slots, void **gone)
{
	void **bottom = bin_bottom(slots);

	memmove(bottom + 1, gone + 1, (size_t)(bin->top - gone) * sizeof(*gone));
	bin->top -= gone - bottom;
}
