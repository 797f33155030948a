/* SPDX-License-Identifier: MIT */
/*
 * control_map.c - see control_map.h.
 */
#include <config.h>

#include "control/control_map.h"

#include "back/large_run.h"
#include "back/stock.h"
#include "back/superslab.h"
#include "middle/slab.h"
#include "os/topology.h"

uint32_t control_map_count(void)
{
	return (uint32_t)(reservation_end_bytes() >> SUPERSLAB_SHIFT);
}

/* How full its slabs are: 0 … 255. Returns how many units are in slabs. */
static unsigned RACY_READER read_slabs(uint32_t index, uint8_t *fill)
{
	size_t unit = (size_t)index * SUPERSLAB_UNITS, end = unit + SUPERSLAB_UNITS;
	unsigned units = 0, taken = 0;

	for (; unit < end; unit++) {
		const struct slab *slab = slab_unit(unit);
		const struct size_class *class;
		unsigned mark = slab->class_mark;

		if (!atomic_load_explicit(&slab->heap, memory_order_relaxed) || !mark ||
		    mark > CLASS_COUNT)
			continue;
		units++;
		if (slab->position != 0)
			continue;
		class = &size_class_table[mark - 1];
		if (slab->free_blocks <= class->capacity)
			taken += (class->capacity - slab->free_blocks) * 255u / class->capacity *
				 class->units;
	}
	*fill = units ? (uint8_t)(taken < units * 255 ? taken / units : 255) : 0;
	return units;
}

/*
 * The run before it may reach into a superslab: a run's tags are at its ends alone, and one of a
 * terabyte has its beginning far away. Who goes through superslabs in their order remembers where
 * the last live one ends.
 */
struct live_run {
	/* the unit behind it; a unit that is not before that is in no live run */
	size_t end;
	bool is_known;
};

/* In a run that began before: the tag at its end tells where. */
static void RACY_READER find_live_run(struct live_run *run, size_t unit)
{
	size_t back = unit;

	while (back > 0 && large_run_at(back)->state < RUN_FREE)
		back--;
	run->end = large_run_at(back)->state == RUN_LIVE ? back + large_run_at(back)->units : 0;
	run->is_known = true;
}

/* The units of a superslab in the large range, by the tags of runs that begin in it. */
static unsigned RACY_READER read_large(uint32_t index, struct live_run *run, unsigned *dirty)
{
	size_t first = (size_t)index * SUPERSLAB_UNITS, end = first + SUPERSLAB_UNITS, unit;
	unsigned live = 0;

	if (!run->is_known)
		find_live_run(run, first);
	if (run->end >= end) {
		*dirty += SUPERSLAB_UNITS;
		return SUPERSLAB_UNITS;
	}
	for (unit = first; unit < end; unit++) {
		const struct large_unit *record = large_run_at(unit);
		uint8_t state = record->state;

		if (state >= RUN_FREE)
			run->end = state == RUN_LIVE ? unit + record->units : unit;
		live += unit < run->end;
		*dirty += unit < run->end || record->dirty;
	}
	return live;
}

/* The kernel's number of a home; of those that a byte holds. */
static uint8_t node_of(unsigned home)
{
	unsigned node = home < topology.homes ? topology.node_of_home[home] : 0;

	return (uint8_t)(node < UINT8_MAX ? node : UINT8_MAX);
}

/* Those that are in nobody's hands but the helper's. */
static void mark_stock(struct control_superslab *rows, uint32_t first, uint32_t count)
{
	unsigned slot;

	for (slot = 0; slot < topology.homes * STOCK_SLOTS; slot++) {
		unsigned home = slot / STOCK_SLOTS;
		uint32_t ready = stock_look(home, STOCK_READY, slot % STOCK_SLOTS);
		uint32_t retired = stock_look(home, STOCK_RETIRED, slot % STOCK_SLOTS);

		if (ready >= first && ready - first < count)
			rows[ready - first] = (struct control_superslab){
				.kind = CONTROL_SUPERSLAB_STOCK, .node = node_of(home) };
		if (retired >= first && retired - first < count)
			rows[retired - first] = (struct control_superslab){
				.kind = CONTROL_SUPERSLAB_ARMED, .node = node_of(home) };
	}
}

/* What is of the large range says so; the rest is its superslab's, or was never taken. */
static uint8_t read_node(uint32_t index)
{
	unsigned home;

	if (!large_run_read_home(index, &home))
		home = atomic_load_explicit(&superslab_at(index)->home, memory_order_relaxed);
	return node_of(home);
}

uint64_t control_map_large_live_bytes(unsigned home)
{
	uint32_t index, count = control_map_count();
	struct live_run run = { .is_known = false };
	uint64_t units = 0;

	for (index = 0; index < count; index++) {
		unsigned of, dirty = 0;

		if (!large_run_read_home(index, &of) || of != home)
			run.is_known = false;
		else
			units += read_large(index, &run, &dirty);
	}
	return units * UNIT_SIZE;
}

static void read_superslab(uint32_t index, struct live_run *run, struct control_superslab *row)
{
	const struct superslab *superslab = superslab_at(index);
	uint64_t units = atomic_load_explicit(&superslab->units, memory_order_relaxed);
	unsigned dirty = (unsigned)__builtin_popcount(
		atomic_load_explicit(&superslab->populated, memory_order_relaxed));
	unsigned live;

	row->node = read_node(index);
	if (run->is_known && run->end >= (size_t)(index + 1) * SUPERSLAB_UNITS) {
		row->kind = CONTROL_SUPERSLAB_LARGE;
		row->live_units = row->dirty_units = SUPERSLAB_UNITS;
		return;
	}
	live = read_slabs(index, &row->fill);
	row->live_units = (uint8_t)live;
	row->dirty_units = (uint8_t)dirty;
	if (units >> 32)
		row->flags |= CONTROL_SUPERSLAB_RELEASING;
	if (live || (uint32_t)units || units >> 32) {
		row->kind = CONTROL_SUPERSLAB_SLABS;
		run->is_known = false;
		return;
	}
	row->kind = CONTROL_SUPERSLAB_CLOSED;
	if (!reservation_large_unit_is_open((size_t)(index + 1) * SUPERSLAB_UNITS - 1))
		return;
	dirty = 0;
	live = read_large(index, run, &dirty);
	row->live_units = (uint8_t)live;
	row->dirty_units = (uint8_t)dirty;
	if (live || dirty)
		row->kind = live == SUPERSLAB_UNITS ? CONTROL_SUPERSLAB_LARGE :
						      CONTROL_SUPERSLAB_MIXED;
}

uint32_t control_map_fill(void *rows, uint32_t first, uint32_t most)
{
	struct control_superslab *row = rows;
	/* An answer is of several parts. Old news are as good as new: a map is of no one moment. */
	static struct live_run run;
	static uint32_t next;
	uint32_t i, count = control_map_count();

	run.is_known = run.is_known && first && first == next;
	for (i = 0; i < most && first + i < count; i++) {
		row[i] = (struct control_superslab){ .kind = 0 };
		/* Claimed at the frontier, but its record is not there yet. */
		if (reservation_unit_is_open((size_t)(first + i + 1) * SUPERSLAB_UNITS - 1))
			read_superslab(first + i, &run, &row[i]);
		else
			row[i].kind = CONTROL_SUPERSLAB_CLOSED;
	}
	next = first + i;
	mark_stock(rows, first, i);
	return i;
}
