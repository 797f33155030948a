/* SPDX-License-Identifier: MIT */
/*
 * large_blocks: a few live blocks of 1 to 64 MiB, small ones more often than big ones, each written
 * page by page and replaced in random order: buffers of images, columns, messages. Where
 * few blocks are alive, one sequence is a lottery of what fits behind what: each run of the
 * bench has a seed of its own. large_turns: more blocks of 5 to 25 MiB, replaced in turn.
 */
#include "bench/workloads.h"

#include <stdlib.h>

/* Evenly over the doublings, then evenly within one. */
static size_t doubling_size(uint64_t *state, const struct bench_row *row)
{
	unsigned int doublings = 0;
	size_t base;

	while (row->low_bytes << doublings < row->high_bytes)
		doublings++;
	base = row->low_bytes << (harness_random(state) % doublings);
	return base + (size_t)(harness_random(state) % base);
}

static void replace(char **slot, size_t bytes)
{
	free(*slot);
	*slot = malloc(bytes);
	if (!*slot)
		harness_fail("malloc failed");
	harness_touch(*slot, 0, bytes);
}

void large_blocks_run(const struct bench_row *row)
{
	char **slots = harness_map(row->live * sizeof(*slots));
	struct bench_timing timing;
	uint64_t state = harness_seed();

	harness_timing_begin(&timing, row, 1);
	while (harness_timing_next(&timing)) {
		char **slot = &slots[harness_random(&state) % row->live];

		replace(slot, doubling_size(&state, row));
	}
	harness_timing_print(&timing, row);
}

/* One slot after the other, and all sizes alike. */
void large_turns_run(const struct bench_row *row)
{
	char **slots = harness_map(row->live * sizeof(*slots));
	struct bench_timing timing;
	uint64_t state = harness_seed();
	unsigned int turn;

	for (turn = 0; turn < row->live; turn++)
		replace(&slots[turn], harness_size(&state, row));
	harness_timing_begin(&timing, row, 1);
	while (harness_timing_next(&timing))
		replace(&slots[turn++ % row->live], harness_size(&state, row));
	harness_timing_print(&timing, row);
}
