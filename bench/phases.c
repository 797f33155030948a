/* SPDX-License-Identifier: MIT */
/*
 * Eight phases of other sizes, 100 MiB live all the time: in each, blocks chosen at random
 * are replaced by such as the phase uses, until as many bytes as are live were. What a phase
 * leaves lies thinly in memory that the next one does not want. One operation is one block.
 */
#include "bench/workloads.h"

#include <stdlib.h>
#include <string.h>

enum {
	PHASES = 8,
	BLOCKS_MOST = 1 << 21,
};

#define LIVE_BYTES (100 * BENCH_MIB)

struct block {
	void *start;
	size_t bytes;
};

static struct block *blocks;
static uint32_t count;
static size_t live;

static void fill(uint64_t *seed, size_t low)
{
	while (live < LIVE_BYTES && count < BLOCKS_MOST) {
		size_t bytes = low + harness_random(seed) % low;

		blocks[count].start = malloc(bytes);
		if (!blocks[count].start)
			harness_fail("malloc failed");
		memset(blocks[count].start, 1, bytes);
		blocks[count++].bytes = bytes;
		live += bytes;
	}
}

static void drop_one(uint64_t *seed)
{
	uint32_t index = (uint32_t)(harness_random(seed) % count);

	free(blocks[index].start);
	live -= blocks[index].bytes;
	blocks[index] = blocks[--count];
}

void phases_run(const struct bench_row *row)
{
	static const size_t lows[PHASES] = { 64, 1024, 160, 4096, 96, 512, 2048, 256 };
	uint64_t seed = harness_seed(), done = 0, start_ns;
	unsigned int phase;

	blocks = harness_map(BLOCKS_MOST * sizeof(*blocks));
	start_ns = harness_now_ns();
	for (phase = 0; phase < PHASES; phase++) {
		size_t replaced = 0;

		while (replaced < LIVE_BYTES) {
			size_t before;

			while (live >= LIVE_BYTES)
				drop_one(&seed);
			before = live;
			fill(&seed, lows[phase]);
			replaced += live - before;
			done++;
		}
	}
	harness_print(row, done, harness_now_ns() - start_ns);
}
