/* SPDX-License-Identifier: MIT */
/*
 * Many threads that live for a few hundred allocations each. A quarter of a thread's
 * blocks outlives it and is freed by the main thread. One operation is one thread: its
 * creation, its blocks and its end.
 */
#include "bench/workloads.h"

#include <pthread.h>
#include <stdlib.h>

enum {
	MAX_WAVE = 16,
	KEEP_ONE_IN = 4,
};

struct visitor {
	const struct bench_row *row;
	void **blocks;
	uint64_t seed;
	pthread_t thread;
};

static struct visitor visitors[MAX_WAVE];

static void *visit(void *argument)
{
	struct visitor *visitor = argument;
	const struct bench_row *row = visitor->row;

	for (unsigned int i = 0; i < row->live; i++) {
		char *block = malloc(harness_size(&visitor->seed, row));

		if (!block)
			harness_fail("malloc failed");
		block[0] = 1;
		visitor->blocks[i] = block;
	}
	for (unsigned int i = 0; i < row->live; i++) {
		if (i % KEEP_ONE_IN == 0)
			continue;
		free(visitor->blocks[i]);
		visitor->blocks[i] = NULL;
	}
	return NULL;
}

static void wave(const struct bench_row *row)
{
	for (unsigned int i = 0; i < row->threads; i++)
		if (pthread_create(&visitors[i].thread, NULL, visit, &visitors[i]))
			harness_fail("cannot create a thread");
	for (unsigned int i = 0; i < row->threads; i++)
		pthread_join(visitors[i].thread, NULL);
	for (unsigned int i = 0; i < row->threads; i++)
		for (unsigned int j = 0; j < row->live; j += KEEP_ONE_IN)
			free(visitors[i].blocks[j]);
}

void short_threads_run(const struct bench_row *row)
{
	void **blocks = harness_map(row->threads * row->live * sizeof(*blocks));
	struct bench_timing timing;

	for (unsigned int i = 0; i < row->threads; i++) {
		visitors[i].row = row;
		visitors[i].blocks = blocks + (size_t)i * row->live;
		visitors[i].seed = i + 1;
	}
	wave(row);
	harness_timing_begin(&timing, row, row->threads);
	while (harness_timing_next(&timing))
		wave(row);
	harness_timing_print(&timing, row);
}
