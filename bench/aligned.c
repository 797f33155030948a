/* SPDX-License-Identifier: MIT */
/*
 * memalign and free: of one block over and over, or of random sizes and alignments to 4 KiB
 * in a table, each operation replacing the block of a random slot.
 */
#include "bench/workloads.h"

#include <malloc.h>
#include <stdlib.h>

enum {
	OPERATIONS_A_ROUND = 65536,
	LEAST_LOG2 = 4,
	DOUBLINGS = 9,
	SEED = 42,
};

static char *make(size_t alignment, size_t bytes)
{
	char *block = memalign(alignment, bytes);

	if (!block)
		harness_fail("memalign failed");
	block[0] = 1;
	return block;
}

static void pair_round(const struct bench_row *row)
{
	for (unsigned int i = 0; i < OPERATIONS_A_ROUND; i++)
		free(make(row->live, row->low_bytes));
}

/* live is the alignment */
void aligned_pair_run(const struct bench_row *row)
{
	struct bench_timing timing;

	pair_round(row);
	harness_timing_begin(&timing, row, OPERATIONS_A_ROUND);
	while (harness_timing_next(&timing))
		pair_round(row);
	harness_timing_print(&timing, row);
}

static void mixed_round(void **slots, uint64_t *state, const struct bench_row *row)
{
	for (unsigned int i = 0; i < OPERATIONS_A_ROUND; i++) {
		void **slot = &slots[harness_random(state) % row->live];
		size_t alignment = (size_t)1 << (LEAST_LOG2 + harness_random(state) % DOUBLINGS);

		free(*slot);
		*slot = make(alignment, harness_size(state, row));
	}
}

void aligned_mixed_run(const struct bench_row *row)
{
	void **slots = harness_map(row->live * sizeof(*slots));
	struct bench_timing timing;
	uint64_t state = SEED;

	mixed_round(slots, &state, row);
	harness_timing_begin(&timing, row, OPERATIONS_A_ROUND);
	while (harness_timing_next(&timing))
		mixed_round(slots, &state, row);
	harness_timing_print(&timing, row);
}
