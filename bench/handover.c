/* SPDX-License-Identifier: MIT */
/*
 * Threads that make blocks of random sizes, mostly small, keep some for a while and hand some
 * over through places that all share, where another thread finds them and frees or keeps
 * them. As the stress tests of allocators do. One operation is a malloc and its free.
 */
#include "bench/workloads.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
	PLACES = 1024,
	MAX_THREADS = 16,
	OPERATIONS_A_ROUND = 4096,
};

struct worker {
	const struct bench_row *row;
	void **kept;
	uint64_t seed;
	uint64_t wanted;
	uint64_t done;
	pthread_t thread;
};

static _Atomic(void *) places[PLACES];
static struct worker workers[MAX_THREADS];
static uint64_t deadline_ns;

/* One in ten is 8 times as large as the row says, one in a hundred 64 times. */
static size_t choose_size(uint64_t *state, const struct bench_row *row)
{
	size_t bytes = harness_size(state, row);
	uint64_t chance = harness_random(state) % 100;

	return chance == 0 ? bytes * 64 : chance < 11 ? bytes * 8 : bytes;
}

static void *make(struct worker *worker)
{
	size_t bytes = choose_size(&worker->seed, worker->row);
	char *block = malloc(bytes);

	if (!block)
		harness_fail("malloc failed");
	harness_touch(block, 0, bytes);
	return block;
}

/* A new block goes to a place; what was there is kept, and what was kept for long is freed. */
static void pass_one(struct worker *worker)
{
	void **slot = &worker->kept[harness_random(&worker->seed) % worker->row->live];
	uint64_t place = harness_random(&worker->seed) % PLACES;
	void *found = make(worker);

	if (harness_random(&worker->seed) % 2)
		found = atomic_exchange(&places[place], found);
	free(*slot);
	*slot = found;
}

static void *work(void *argument)
{
	struct worker *worker = argument;

	while (worker->done < worker->wanted && harness_now_ns() < deadline_ns) {
		for (unsigned int i = 0; i < OPERATIONS_A_ROUND; i++)
			pass_one(worker);
		worker->done += OPERATIONS_A_ROUND;
	}
	return NULL;
}

void handover_run(const struct bench_row *row)
{
	uint64_t start_ns = harness_now_ns();
	uint64_t done = 0;

	deadline_ns = start_ns + (uint64_t)BENCH_CAP_MS * 1000000U;
	for (unsigned int i = 0; i < row->threads; i++) {
		workers[i] = (struct worker){
			.row = row,
			.kept = harness_map(row->live * sizeof(void *)),
			.seed = i + 1,
			.wanted = harness_operations(row) / row->threads,
		};
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			harness_fail("cannot create a thread");
	}
	for (unsigned int i = 0; i < row->threads; i++) {
		pthread_join(workers[i].thread, NULL);
		done += workers[i].done;
	}
	harness_print(row, done, harness_now_ns() - start_ns);
}
