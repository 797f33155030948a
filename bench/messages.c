/* SPDX-License-Identifier: MIT */
/*
 * Pairs of threads: one only allocates blocks and hands them over in large batches, the
 * other only frees them. Nothing else is done and nothing is shared between pairs, so a
 * row says what a block costs that goes home from another thread. One operation is a malloc
 * and its free.
 */
#include "bench/workloads.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
	BATCH_BLOCKS = 1024,
	BATCHES = 8,
	MAX_PAIRS = 128,
};

/* Batches go around: filled by the one thread, emptied by the other. */
struct pair {
	const struct bench_row *row;
	void **blocks; /* BATCHES * BATCH_BLOCKS */
	sem_t filled;
	sem_t emptied;
	uint64_t batches; /* asked for */
	uint64_t done;	  /* by the maker; read when it has ended */
	atomic_bool is_over; /* release, with the last filled; acquire in the other thread */
	pthread_t maker;
	pthread_t ender;
};

static struct pair pairs[MAX_PAIRS];
static uint64_t deadline_ns;

static void wait_for(sem_t *semaphore)
{
	while (sem_wait(semaphore) && errno == EINTR)
		;
}

static void fill(const struct pair *pair, uint64_t number)
{
	void **batch = &pair->blocks[number % BATCHES * BATCH_BLOCKS];

	for (unsigned int i = 0; i < BATCH_BLOCKS; i++) {
		char *block = malloc(pair->row->low_bytes);

		if (!block)
			harness_fail("malloc failed");
		block[0] = 1;
		batch[i] = block;
	}
}

static void *make(void *argument)
{
	struct pair *pair = argument;

	while (pair->done < pair->batches && harness_now_ns() < deadline_ns) {
		wait_for(&pair->emptied);
		fill(pair, pair->done++);
		sem_post(&pair->filled);
	}
	atomic_store_explicit(&pair->is_over, true, memory_order_release);
	sem_post(&pair->filled);
	return NULL;
}

/* One post more than there are batches says that it is over. */
static void *end(void *argument)
{
	struct pair *pair = argument;

	for (uint64_t number = 0;; number++) {
		void **batch = &pair->blocks[number % BATCHES * BATCH_BLOCKS];

		wait_for(&pair->filled);
		if (atomic_load_explicit(&pair->is_over, memory_order_acquire) &&
		    number == pair->done)
			return NULL;
		for (unsigned int i = 0; i < BATCH_BLOCKS; i++)
			free(batch[i]);
		sem_post(&pair->emptied);
	}
}

static void start(struct pair *pair, const struct bench_row *row)
{
	pair->row = row;
	pair->batches = harness_operations(row) / BATCH_BLOCKS / (row->threads / 2);
	pair->blocks = harness_map(BATCHES * BATCH_BLOCKS * sizeof(*pair->blocks));
	if (sem_init(&pair->filled, 0, 0) || sem_init(&pair->emptied, 0, BATCHES) ||
	    pthread_create(&pair->maker, NULL, make, pair) ||
	    pthread_create(&pair->ender, NULL, end, pair))
		harness_fail("cannot start a pair of threads");
}

void messages_run(const struct bench_row *row)
{
	uint64_t start_ns = harness_now_ns();
	uint64_t batches = 0;

	deadline_ns = start_ns + (uint64_t)BENCH_CAP_MS * 1000000U;
	for (unsigned int i = 0; i < row->threads / 2; i++)
		start(&pairs[i], row);
	for (unsigned int i = 0; i < row->threads / 2; i++) {
		pthread_join(pairs[i].maker, NULL);
		pthread_join(pairs[i].ender, NULL);
		batches += pairs[i].done;
	}
	harness_print(row, batches * BATCH_BLOCKS, harness_now_ns() - start_ns);
}
