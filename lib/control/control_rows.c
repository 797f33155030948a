/* SPDX-License-Identifier: MIT */
/*
 * control_rows.c - see control_rows.h; the map is in control_map.c.
 */
#include <config.h>

#include "control/control_rows.h"

#include "back/populate.h"
#include "back/stock.h"
#include "control/control_map.h"
#include "control/usage.h"
#include "os/topology.h"
#include "upkeep/placement.h"
#include "upkeep/rungs.h"
#include "upkeep/strays.h"

uint32_t control_rows_count_classes(void)
{
	return reservation.bytes ? CLASS_COUNT : 0;
}

uint32_t control_rows_fill_classes(void *rows, uint32_t first, uint32_t most)
{
	struct usage_class classes[CLASS_COUNT];
	struct control_class *row = rows;
	uint32_t class;

	usage_read_classes(classes);
	for (class = first; class < first + most && class < CLASS_COUNT; class++) {
		const struct usage_class *of = &classes[class];

		*row++ = (struct control_class){
			.size_bytes = size_class_table[class].size,
			.slab_bytes = size_class_table[class].units * (uint32_t)UNIT_SIZE,
			.slab_capacity = size_class_table[class].capacity,
			.alignment_only = size_class_is_aligned_only(class),
			.slabs = of->slabs,
			.live = of->live,
			.cached = of->cached,
			.in_transit = of->in_transit,
			.free = of->free,
			.untouched = of->untouched,
			.asked_bytes = usage_asked(class, of),
			.samples = of->samples,
		};
	}
	return class - first;
}

static void count_heap(struct heap *heap, void *argument)
{
	(void)heap;
	++*(uint32_t *)argument;
}

uint32_t control_rows_count_threads(void)
{
	uint32_t count = 0;

	heap_visit_all(count_heap, &count);
	return count;
}

struct thread_rows {
	struct control_thread *rows;
	uint32_t first, most, filled;
};

static enum control_thread_state state_of(struct heap *heap)
{
	switch (atomic_load_explicit(&heap->hold, memory_order_relaxed)) {
	case HEAP_FROZEN:
		return CONTROL_THREAD_FROZEN;
	case HEAP_IDLE:
	case HEAP_VISITED:
		return CONTROL_THREAD_IDLE;
	default:
		return CONTROL_THREAD_LIVE;
	}
}

static void fill_thread(struct heap *heap, void *argument)
{
	struct usage_class classes[CLASS_COUNT];
	struct thread_rows *to = argument;
	struct control_thread *row;
	unsigned class;

	/* By number: heaps that come meanwhile are numbered behind. */
	if (heap->number < to->first || heap->number - to->first >= to->most)
		return;
	row = &to->rows[heap->number - to->first];
	*row = (struct control_thread){ .number = heap->number, .state = state_of(heap),
					.node = topology.node_of_home[heap->home] };
	usage_read_heap(heap, classes);
	for (class = 0; class < CLASS_COUNT; class++) {
		uint64_t size = size_class_table[class].size;

		row->slabs_bytes +=
			classes[class].slabs * size_class_table[class].units * UNIT_SIZE;
		row->live_bytes += classes[class].live * size;
		row->cached_bytes += classes[class].cached * size;
		row->free_bytes += classes[class].free * size;
		row->remote_frees += heap_count_read(&heap->counts[class].sent);
	}
	to->filled++;
}

uint32_t control_rows_fill_threads(void *rows, uint32_t first, uint32_t most)
{
	struct thread_rows to = { rows, first, most, 0 };

	heap_visit_all(fill_thread, &to);
	return to.filled;
}

struct node_rows {
	struct control_node *rows;
	uint32_t first, most;
};

/* A slab is its heap's home's, also where it came out of another's memory: see spilled_bytes. */
static void add_heap_to_node(struct heap *heap, void *argument)
{
	struct usage_class classes[CLASS_COUNT];
	struct node_rows *to = argument;
	struct control_node *row;
	unsigned class;

	if (heap->home < to->first || heap->home - to->first >= to->most)
		return;
	row = &to->rows[heap->home - to->first];
	usage_read_heap(heap, classes);
	for (class = 0; class < CLASS_COUNT; class++) {
		const struct size_class *of = &size_class_table[class];

		row->slabs_bytes += classes[class].slabs * of->units * UNIT_SIZE;
		row->live_bytes += classes[class].live * of->size;
		row->remote_frees += heap_count_read(&heap->counts[class].sent);
	}
}

uint32_t control_rows_count_nodes(void)
{
	return topology.homes;
}

uint32_t control_rows_fill_nodes(void *rows, uint32_t first, uint32_t most)
{
	struct node_rows to = { rows, first, most };
	struct control_node *row = rows;
	uint32_t home;

	for (home = first; home < topology.homes && home - first < most; home++)
		*row++ = (struct control_node){
			.node = topology.node_of_home[home],
			.helper = 1, /* who answers is one, and works for all of them */
			.opened_bytes = populate_opened_bytes(home),
			.live_bytes = control_map_large_live_bytes(home),
			.stock_bytes = (uint64_t)stock_length(home, STOCK_READY) * SUPERSLAB_SIZE,
			.misplaced_bytes = placement_misplaced_bytes(home),
		};
	heap_visit_all(add_heap_to_node, &to);
	return home - first;
}

uint32_t control_rows_count_strays(void)
{
	return strays_count();
}

uint32_t control_rows_fill_strays(void *rows, uint32_t first, uint32_t most)
{
	return strays_read(rows, first, most);
}

uint32_t control_rows_count_rungs(void)
{
	return RUNG_COUNT;
}

uint32_t control_rows_fill_rungs(void *rows, uint32_t first, uint32_t most)
{
	struct control_rung *row = rows;
	uint32_t i;

	for (i = 0; i < most && first + i < RUNG_COUNT; i++)
		rungs_read((enum rung)(first + i), &row[i]);
	return i;
}
