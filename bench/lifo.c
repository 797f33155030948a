/* SPDX-License-Identifier: MIT */
/*
 * Allocates a few hundred blocks of one size and frees them last in, first out, as a
 * recursive program does. One operation is a malloc and its free.
 */
#include "bench/workloads.h"

#include <stdlib.h>

enum { ROUND_OPERATIONS = 16384 };

/* At least one: many blocks are a round by themselves. */
static unsigned int repeats(const struct bench_row *row)
{
	return row->live < ROUND_OPERATIONS ? ROUND_OPERATIONS / row->live : 1;
}

static void lifo_round(void **blocks, const struct bench_row *row)
{
	for (unsigned int repeat = 0; repeat < repeats(row); repeat++) {
		for (unsigned int i = 0; i < row->live; i++) {
			char *block = malloc(row->low_bytes);

			if (!block)
				harness_fail("malloc failed");
			block[0] = 1;
			blocks[i] = block;
		}
		for (unsigned int i = row->live; i-- > 0;)
			free(blocks[i]);
	}
}

void lifo_run(const struct bench_row *row)
{
	void **blocks = harness_map(row->live * sizeof(*blocks));
	struct bench_timing timing;

	lifo_round(blocks, row);
	harness_timing_begin(&timing, row, (uint64_t)repeats(row) * row->live);
	while (harness_timing_next(&timing))
		lifo_round(blocks, row);
	harness_timing_print(&timing, row);
}
