/* SPDX-License-Identifier: MIT */
/*
 * Threads that come all at once and do their first work: each replaces a random one of a few
 * blocks, again and again, frees them all and ends (threads_run), or waits for more
 * (first_work_run). One operation is a thread: its creation, its work, its end; the resident size
 * at the end is that of all of them waiting.
 */
#include "bench/workloads.h"

#include <pthread.h>
#include <stdlib.h>

enum {
	WORK = 2000,
	LIVE_MOST = 64,
	STACK_BYTES = 64 << 10,
};

static const struct bench_row *the_row;
static bool waits;
static pthread_barrier_t all_wait;

static void replace(char **block, uint64_t *state)
{
	free(*block);
	*block = malloc(harness_size(state, the_row));
	if (!*block)
		harness_fail("malloc failed");
	**block = 1;
}

static void *live(void *argument)
{
	uint64_t state = (uint64_t)(uintptr_t)argument;
	char *blocks[LIVE_MOST] = { NULL };

	for (unsigned int i = 0; i < WORK; i++)
		replace(&blocks[harness_random(&state) % the_row->live], &state);
	for (unsigned int i = 0; i < the_row->live; i++)
		free(blocks[i]);
	if (waits) {
		pthread_barrier_wait(&all_wait);
		pthread_barrier_wait(&all_wait);
	}
	return NULL;
}

static void start_all(pthread_t *threads)
{
	pthread_attr_t attributes;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	for (uintptr_t i = 0; i < the_row->threads; i++)
		if (pthread_create(&threads[i], &attributes, live, (void *)(i + 1)))
			harness_fail("cannot create a thread");
	pthread_attr_destroy(&attributes);
}

static void run(const struct bench_row *row, bool is_first_work)
{
	pthread_t *threads = harness_map(row->threads * sizeof(*threads));
	uint64_t start_ns = harness_now_ns();

	the_row = row;
	waits = is_first_work;
	pthread_barrier_init(&all_wait, NULL, row->threads + 1);
	start_all(threads);
	if (waits) {
		pthread_barrier_wait(&all_wait);
		harness_print(row, row->threads, harness_now_ns() - start_ns);
		pthread_barrier_wait(&all_wait);
	}
	for (unsigned int i = 0; i < row->threads; i++)
		pthread_join(threads[i], NULL);
	if (!waits)
		harness_print(row, row->threads, harness_now_ns() - start_ns);
}

void first_work_run(const struct bench_row *row)
{
	run(row, true);
}

void threads_run(const struct bench_row *row)
{
	run(row, false);
}
