/* SPDX-License-Identifier: MIT */
/*
 * See outside.h: a row for each heap, as lib/control/control_rows.c has them, and its thread's
 * number.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "hakctl/output/message.h"
#include "hakctl/client/outside_heaps.h"
#include "hakctl/client/thread_ids.h"

struct thread_rows {
	struct control_thread *rows;
	uint64_t *pointers; /* of their threads; 0: nobody's */
	size_t count, room;
};

static struct control_thread *new_row(struct thread_rows *to, uint64_t pointer)
{
	if (to->count == to->room) {
		to->room = to->room ? 2 * to->room : 64;
		to->rows = realloc(to->rows, to->room * sizeof(*to->rows));
		to->pointers = realloc(to->pointers, to->room * sizeof(*to->pointers));
		if (!to->rows || !to->pointers)
			message_out_of_memory();
	}
	to->pointers[to->count] = pointer;
	return &to->rows[to->count++];
}

static enum control_thread_state state_of(uint32_t hold)
{
	return hold == HEAP_FROZEN ? CONTROL_THREAD_FROZEN :
	       hold == HEAP_IDLE || hold == HEAP_VISITED ? CONTROL_THREAD_IDLE :
							   CONTROL_THREAD_LIVE;
}

static void add_row(const struct thread_cache *cache, void *argument)
{
	struct control_ledger unused = { .taken_ns = 0 };
	struct outside_sum sums[CLASS_COUNT];
	enum control_thread_state state =
		state_of(atomic_load_explicit(&cache->heap.hold, memory_order_relaxed));
	uint64_t owner = atomic_load_explicit(&cache->owners[0].thread, memory_order_relaxed);
	struct control_thread *row = new_row(argument, state == CONTROL_THREAD_LIVE ? owner : 0);

	memset(sums, 0, sizeof(sums));
	outside_heaps_add(cache, sums, &unused);
	*row = (struct control_thread){ .number = cache->heap.number, .state = state,
					.remote_frees = unused.remote_frees };
	for (unsigned class = 0; class < CLASS_COUNT; class++) {
		const struct size_class *of = &size_class_table[class];
		uint64_t all = sums[class].slabs * of->capacity;

		row->slabs_bytes += sums[class].slabs * of->units * UNIT_SIZE;
		row->cached_bytes += sums[class].cached * of->size;
		row->free_bytes += sums[class].free * of->size;
		row->live_bytes += outside_heaps_not_below_zero(
					   (int64_t)(all - sums[class].free - sums[class].cached)) *
				   of->size;
	}
}

static int by_number(const void *left, const void *right)
{
	const struct control_thread *a = left, *b = right;

	return (a->number > b->number) - (a->number < b->number);
}

bool outside_threads(const struct outside *outside, struct reply_rows *rows)
{
	struct thread_rows to = { .rows = NULL };
	uint32_t *ids;
	bool done;

	size_class_init();
	done = outside_heaps_visit(outside, add_row, &to);
	ids = calloc(to.count + 1, sizeof(*ids));
	if (!ids)
		message_out_of_memory();
	thread_ids_find(outside->process, to.pointers, to.count, ids);
	for (size_t i = 0; i < to.count; i++)
		to.rows[i].thread = ids[i];
	free(ids);
	free(to.pointers);
	if (to.count)
		qsort(to.rows, to.count, sizeof(to.rows[0]), by_number);
	reply_free_rows(rows);
	*rows = (struct reply_rows){ .rows = (unsigned char *)to.rows,
				     .row_bytes = sizeof(to.rows[0]),
				     .count = to.count,
				     .room = to.room };
	return done;
}
