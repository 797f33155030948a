/* SPDX-License-Identifier: MIT */
/*
 * A pool of threads that have each done a few small allocations, freed half of them and wait
 * for work: what do they hold? One operation is the start of one and what it does then; the
 * resident size at the end is that of all of them waiting.
 */
#include "bench/workloads.h"

#include <pthread.h>
#include <stdlib.h>

enum {
	BLOCKS_EACH = 24,
	STACK_BYTES = 64 << 10,
};

static const struct bench_row *the_row;
static pthread_barrier_t all_wait;

static void *live(void *argument)
{
	uint64_t state = (uint64_t)(uintptr_t)argument;
	void *blocks[BLOCKS_EACH];

	for (unsigned int i = 0; i < BLOCKS_EACH; i++) {
		char *block = malloc(harness_size(&state, the_row));

		if (!block)
			harness_fail("malloc failed");
		block[0] = 1;
		blocks[i] = block;
	}
	for (unsigned int i = 0; i < BLOCKS_EACH; i += 2)
		free(blocks[i]);
	pthread_barrier_wait(&all_wait);
	pthread_barrier_wait(&all_wait);
	for (unsigned int i = 1; i < BLOCKS_EACH; i += 2)
		free(blocks[i]);
	return NULL;
}

void idle_threads_run(const struct bench_row *row)
{
	pthread_t *threads = harness_map(row->threads * sizeof(*threads));
	uint64_t start_ns = harness_now_ns();
	pthread_attr_t attributes;

	the_row = row;
	pthread_barrier_init(&all_wait, NULL, row->threads + 1);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	for (uintptr_t i = 0; i < row->threads; i++)
		if (pthread_create(&threads[i], &attributes, live, (void *)(i + 1)))
			harness_fail("cannot create a thread");
	pthread_barrier_wait(&all_wait);
	harness_print(row, row->threads, harness_now_ns() - start_ns);
	pthread_barrier_wait(&all_wait);
	for (unsigned int i = 0; i < row->threads; i++)
		pthread_join(threads[i], NULL);
	pthread_attr_destroy(&attributes);
}
