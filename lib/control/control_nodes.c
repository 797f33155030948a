/* SPDX-License-Identifier: MIT */
/*
 * control_nodes.c - see control_nodes.h.
 */
#include <config.h>

#include "control/control_nodes.h"

#include "back/populate.h"
#include "back/stock.h"
#include "control/control_map.h"
#include "control/usage.h"
#include "os/topology.h"
#include "upkeep/placement.h"

struct node_rows {
	struct control_node *rows;
	uint32_t first, most;
};

/* A slab is its heap's home's, also where it came out of another's memory: see spilled_bytes. */
static void add_heap(struct heap *heap, void *argument)
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

uint32_t control_nodes_count(void)
{
	return topology.homes;
}

uint32_t control_nodes_fill(void *rows, uint32_t first, uint32_t most)
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
	heap_visit_all(add_heap, &to);
	return home - first;
}
