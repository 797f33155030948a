/* SPDX-License-Identifier: MIT */
/*
 * malloc and free of one block of one size, over and over: the shortest way through an
 * allocator. One operation is a pair.
 */
#include "bench/workloads.h"

#include <stdlib.h>

enum { PAIRS_A_ROUND = 100000 };

static void pair_round(size_t bytes)
{
	for (unsigned int i = 0; i < PAIRS_A_ROUND; i++) {
		volatile char *block = malloc(bytes);

		if (!block)
			harness_fail("malloc failed");
		block[0] = 1;
		free((void *)block);
	}
}

void pair_run(const struct bench_row *row)
{
	struct bench_timing timing;

	pair_round(row->low_bytes);
	harness_timing_begin(&timing, row, PAIRS_A_ROUND);
	while (harness_timing_next(&timing))
		pair_round(row->low_bytes);
	harness_timing_print(&timing, row);
}
