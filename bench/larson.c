/* SPDX-License-Identifier: MIT */
/*
 * Larson and Krishnan's server: each thread replaces random blocks of its table for a
 * while, then starts a successor, hands it the table and ends, as a server does that
 * gives each request to a fresh thread. Blocks are so freed by other threads than those
 * that made them. One operation is one replacement.
 */
#include "bench/workloads.h"

#include <pthread.h>
#include <stdlib.h>

enum {
	GENERATION_REPLACEMENTS = 20000,
	MAX_THREADS = 16,
};

/* A line of threads, of which one is alive at a time. */
struct line {
	const struct bench_row *row;
	void **slots;
	uint64_t seed;
	uint64_t replacements_wanted;
	uint64_t done;
};

static struct line lines[MAX_THREADS];
static pthread_mutex_t end_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t end_reached = PTHREAD_COND_INITIALIZER;
static unsigned int lines_running; /* by end_mutex */
static uint64_t deadline_ns;

static void *larson_thread(void *argument);

static void start_successor(struct line *line)
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, &attributes, larson_thread, line))
		harness_fail("cannot create a thread");
	pthread_attr_destroy(&attributes);
}

static void replace_blocks(struct line *line)
{
	const struct bench_row *row = line->row;

	for (unsigned int i = 0; i < GENERATION_REPLACEMENTS; i++) {
		void **slot = &line->slots[harness_random(&line->seed) % row->live];
		char *block;

		free(*slot);
		block = malloc(harness_size(&line->seed, row));
		if (!block)
			harness_fail("malloc failed");
		block[0] = 1;
		*slot = block;
	}
	line->done += GENERATION_REPLACEMENTS;
}

static void *larson_thread(void *argument)
{
	struct line *line = argument;

	replace_blocks(line);
	if (line->done < line->replacements_wanted && harness_now_ns() < deadline_ns) {
		start_successor(line);
		return NULL;
	}
	pthread_mutex_lock(&end_mutex);
	lines_running--;
	pthread_cond_signal(&end_reached);
	pthread_mutex_unlock(&end_mutex);
	return NULL;
}

void larson_run(const struct bench_row *row)
{
	void **slots = harness_map(row->threads * row->live * sizeof(*slots));
	uint64_t start_ns = harness_now_ns();
	uint64_t done = 0;

	deadline_ns = start_ns + (uint64_t)BENCH_CAP_MS * 1000000U;
	lines_running = row->threads;
	for (unsigned int i = 0; i < row->threads; i++) {
		lines[i].row = row;
		lines[i].slots = slots + (size_t)i * row->live;
		lines[i].seed = i + 1;
		lines[i].replacements_wanted = harness_operations(row) / row->threads;
		start_successor(&lines[i]);
	}
	pthread_mutex_lock(&end_mutex);
	while (lines_running)
		pthread_cond_wait(&end_reached, &end_mutex);
	pthread_mutex_unlock(&end_mutex);
	for (unsigned int i = 0; i < row->threads; i++)
		done += lines[i].done;
	harness_print(row, done, harness_now_ns() - start_ns);
}
