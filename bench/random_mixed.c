/* SPDX-License-Identifier: MIT */
/*
 * A table of live blocks; each operation frees the block of a random slot and puts one
 * of a random size there. The published form: size = 16 + (random & 0x3FF), seed 42.
 */
#include "bench/workloads.h"

#include <stdlib.h>

enum {
	REPLACEMENTS_A_ROUND = 65536,
	WARM_UP_PASSES = 16,
	SEED = 42,
};

static void replace(void **slots, uint64_t *state, const struct bench_row *row,
		    unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		void **slot = &slots[harness_random(state) & (row->live - 1)];
		char *block;

		free(*slot);
		block = malloc(harness_size(state, row));
		if (!block)
			harness_fail("malloc failed");
		block[0] = 1;
		*slot = block;
	}
}

/* live must be a power of two */
void random_mixed_run(const struct bench_row *row)
{
	void **slots = harness_map(row->live * sizeof(*slots));
	struct bench_timing timing;
	uint64_t state = SEED;

	replace(slots, &state, row, row->live * WARM_UP_PASSES);
	harness_timing_begin(&timing, row, REPLACEMENTS_A_ROUND);
	while (harness_timing_next(&timing))
		replace(slots, &state, row, REPLACEMENTS_A_ROUND);
	harness_timing_print(&timing, row);
	for (unsigned int i = 0; i < row->live; i++)
		free(slots[i]);
}
