/* SPDX-License-Identifier: MIT */
/*
 * A heap of mixed small blocks grows to some hundred MiB and shrinks again: to nothing
 * (growth_free_all), or to a random tenth of its blocks (growth_free_most), four times.
 * Every page is written, so the row holds the cost of getting pages as well. One
 * operation is a malloc and its free.
 */
#include "bench/workloads.h"

#include <stdlib.h>

enum {
	ROUNDS = 4,
	SEED = 42,
	KEEP_ONE_IN = 10,
	MID_ONE_IN = 16,
	MID_BYTES = 8192,
	BIG_ONE_IN = 256,
	BIG_BYTES = 65536,
};

/* Mostly small; one block in sixteen to 8 KiB, one in 256 to 64 KiB. */
static size_t mixed_size(uint64_t *state, const struct bench_row *row)
{
	uint64_t choice = harness_random(state);

	if (choice % BIG_ONE_IN == 0)
		return 1 + harness_random(state) % BIG_BYTES;
	if (choice % MID_ONE_IN == 0)
		return 1 + harness_random(state) % MID_BYTES;
	return harness_size(state, row);
}

static uint64_t grow(char **slots, uint64_t count, uint64_t *state,
		     const struct bench_row *row)
{
	uint64_t made = 0;

	for (uint64_t i = 0; i < count; i++) {
		size_t bytes;

		if (slots[i])
			continue;
		bytes = mixed_size(state, row);
		slots[i] = malloc(bytes);
		if (!slots[i])
			harness_fail("malloc failed");
		harness_touch(slots[i], 0, bytes);
		made++;
	}
	return made;
}

static void shrink(char **slots, uint64_t count, uint64_t *state,
		   unsigned int keep_one_in)
{
	for (uint64_t i = 0; i < count; i++) {
		if (keep_one_in && harness_random(state) % keep_one_in == 0)
			continue;
		free(slots[i]);
		slots[i] = NULL;
	}
}

static void grow_and_shrink(const struct bench_row *row, unsigned int keep_one_in)
{
	uint64_t count = harness_operations(row) / ROUNDS;
	char **slots = harness_map(count * sizeof(*slots));
	uint64_t state = SEED;
	uint64_t made = 0;
	uint64_t start_ns = harness_now_ns();

	for (unsigned int round = 0; round < ROUNDS; round++) {
		made += grow(slots, count, &state, row);
		shrink(slots, count, &state, keep_one_in);
	}
	harness_print(row, made, harness_now_ns() - start_ns);
}

void growth_free_all_run(const struct bench_row *row)
{
	grow_and_shrink(row, 0);
}

void growth_free_most_run(const struct bench_row *row)
{
	grow_and_shrink(row, KEEP_ONE_IN);
}
