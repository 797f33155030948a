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

/* The units of a superslab in the large range, by the tags of runs that begin in it. */
static unsigned RACY_READER read_large(uint32_t index, unsigned *dirty)
{
	size_t first = (size_t)index * SUPERSLAB_UNITS, unit;
	unsigned live = 0;
	int is_live = -1;

	for (unit = first; unit < first + SUPERSLAB_UNITS; unit++) {
		const struct large_unit *run = large_run_at(unit);
		uint8_t state = run->state;

		if (state >= RUN_FREE)
			is_live = state == RUN_LIVE;
		else if (is_live < 0) {
			/* In a run that began before: the tag at its end tells where. */
			size_t back = unit;

			while (back > 0 && large_run_at(back)->state < RUN_FREE)
				back--;
			is_live = large_run_at(back)->state == RUN_LIVE &&
				  back + large_run_at(back)->units > unit;
		}
		live += is_live > 0;
		*dirty += is_live > 0 || run->dirty;
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
	uint64_t units = 0;

	for (index = 0; index < count; index++) {
		unsigned of, dirty = 0;

		if (large_run_read_home(index, &of) && of == home)
			units += read_large(index, &dirty);
	}
	return units * UNIT_SIZE;
}

static void read_superslab(uint32_t index, struct control_superslab *row)
{
	const struct superslab *superslab = superslab_at(index);
	uint64_t units = atomic_load_explicit(&superslab->units, memory_order_relaxed);
	unsigned dirty = (unsigned)__builtin_popcount(
		atomic_load_explicit(&superslab->populated, memory_order_relaxed));
	unsigned live;

	row->node = read_node(index);
	live = read_slabs(index, &row->fill);
	row->live_units = (uint8_t)live;
	row->dirty_units = (uint8_t)dirty;
	if (units >> 32)
		row->flags |= CONTROL_SUPERSLAB_RELEASING;
	if (live || (uint32_t)units || units >> 32) {
		row->kind = CONTROL_SUPERSLAB_SLABS;
		return;
	}
	row->kind = CONTROL_SUPERSLAB_CLOSED;
	if (!reservation_large_unit_is_open((size_t)(index + 1) * SUPERSLAB_UNITS - 1))
		return;
	dirty = 0;
	live = read_large(index, &dirty);
	row->live_units = (uint8_t)live;
	row->dirty_units = (uint8_t)dirty;
	if (live || dirty)
		row->kind = live == SUPERSLAB_UNITS ? CONTROL_SUPERSLAB_LARGE :
						      CONTROL_SUPERSLAB_MIXED;
}

uint32_t control_map_fill(void *rows, uint32_t first, uint32_t most)
{
	struct control_superslab *row = rows;
	uint32_t i, count = control_map_count();

	for (i = 0; i < most && first + i < count; i++) {
		row[i] = (struct control_superslab){ .kind = 0 };
		/* Claimed at the frontier, but its record is not there yet. */
		if (reservation_unit_is_open((size_t)(first + i + 1) * SUPERSLAB_UNITS - 1))
			read_superslab(first + i, &row[i]);
		else
			row[i].kind = CONTROL_SUPERSLAB_CLOSED;
	}
	mark_stock(rows, first, i);
	return i;
}
