/* SPDX-License-Identifier: MIT */
/*
 * How long the slowest frees take: of many blocks random ones are freed and made again,
 * up to WAVE of them at a time, so that the free lists of a few sizes become thousands of
 * blocks long and short again. Each free is timed by itself, and so is nothing, beside it: what
 * interrupts and other programs take falls on both, by their length, and is taken off. One
 * operation is the free that one in ten thousand is slower than (p99.99), the clock's own time
 * included.
 */
#include "bench/workloads.h"

#include <stdlib.h>

#include "bench/histogram.h"

enum {
	SEED = 42,
	WAVE = 32768,
	DISTURBED_NS = 3000,
};

/* Durations, and the sum of those that nothing else can have made long. */
struct timings {
	struct histogram all;
	uint64_t undisturbed_ns;
};

static struct timings frees, nothing;

static void note(struct timings *timings, uint64_t start_ns)
{
	uint64_t taken_ns = harness_now_ns() - start_ns;

	histogram_add(&timings->all, taken_ns);
	if (taken_ns < DISTURBED_NS)
		timings->undisturbed_ns += taken_ns;
}

static void *make(uint64_t *state, const struct bench_row *row)
{
	char *block = malloc(harness_size(state, row));

	if (!block)
		harness_fail("malloc failed");
	block[0] = 1;
	return block;
}

static void free_timed(void **slot)
{
	uint64_t start_ns = harness_now_ns();

	free(*slot);
	note(&frees, start_ns);
	*slot = NULL;
	note(&nothing, harness_now_ns());
}

/* Slots from a random one on, at a stride that is prime to their number. */
static void replace_wave(void **slots, uint64_t *state, const struct bench_row *row)
{
	unsigned int count = (unsigned int)(1 + harness_random(state) % WAVE);
	unsigned int first = (unsigned int)(harness_random(state) % row->live);
	unsigned int stride = (unsigned int)harness_random(state) | 1;

	for (unsigned int i = 0; i < count; i++)
		free_timed(&slots[(first + i * stride) % row->live]);
	for (unsigned int i = 0; i < count; i++)
		slots[(first + i * stride) % row->live] = make(state, row);
}

/* live must be a power of two, and no less than WAVE */
void free_tail_run(const struct bench_row *row)
{
	void **slots = harness_map(row->live * sizeof(*slots));
	uint64_t state = SEED;
	struct bench_timing timing;

	for (unsigned int i = 0; i < row->live; i++)
		slots[i] = make(&state, row);
	harness_timing_begin(&timing, row, WAVE / 2);
	while (harness_timing_next(&timing))
		replace_wave(slots, &state, row);
	harness_print(row, 1,
		      histogram_percentile_beyond(&frees.all, 0.9999, &nothing.all,
						  (double)frees.undisturbed_ns /
							  (double)nothing.undisturbed_ns));
}
