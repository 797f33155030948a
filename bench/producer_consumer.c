/* SPDX-License-Identifier: MIT */
/*
 * Blocks allocated by one thread and freed by another, handed over in batches through a
 * bounded queue, as in the published xmalloc test. producer_consumer: half of the
 * threads only allocate, half only free. exchange: each thread gives its blocks to its
 * neighbour in a ring and frees what it is given. One operation is a malloc and its
 * free.
 */
#include "bench/workloads.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
	BATCH_BLOCKS = 256,
	QUEUE_BATCHES = 32,
	MAX_THREADS = 16,
};

struct batch {
	struct batch *next;
	void *blocks[BATCH_BLOCKS];
};

/* A bounded queue; producers still writing are counted so that consumers can end. */
struct queue {
	pthread_mutex_t mutex;
	pthread_cond_t has_room;
	pthread_cond_t has_batch;
	struct batch *first;	/* by mutex */
	struct batch **last;	/* by mutex */
	unsigned int length;	/* by mutex */
	unsigned int producers; /* by mutex */
};

struct worker {
	const struct bench_row *row;
	struct queue *in;  /* NULL: only allocates */
	struct queue *out; /* NULL: only frees */
	uint64_t batches;
	uint64_t seed;
	pthread_t thread;
};

static struct queue queues[MAX_THREADS];
static struct worker workers[MAX_THREADS];
static atomic_uint_fast64_t batches_done;
static uint64_t deadline_ns;

static void queue_open(struct queue *queue, unsigned int producers)
{
	pthread_mutex_init(&queue->mutex, NULL);
	pthread_cond_init(&queue->has_room, NULL);
	pthread_cond_init(&queue->has_batch, NULL);
	queue->first = NULL;
	queue->last = &queue->first;
	queue->length = 0;
	queue->producers = producers;
}

/* A thread of a ring must not wait here: its neighbour may be waiting for it. */
static bool queue_put(struct queue *queue, struct batch *batch, bool wait)
{
	bool done = false;

	pthread_mutex_lock(&queue->mutex);
	while (wait && queue->length == QUEUE_BATCHES)
		pthread_cond_wait(&queue->has_room, &queue->mutex);
	if (queue->length < QUEUE_BATCHES) {
		batch->next = NULL;
		*queue->last = batch;
		queue->last = &batch->next;
		queue->length++;
		done = true;
		pthread_cond_signal(&queue->has_batch);
	}
	pthread_mutex_unlock(&queue->mutex);
	return done;
}

/* NULL: nothing there, and, if waited for, no producer left. */
static struct batch *queue_take(struct queue *queue, bool wait)
{
	struct batch *batch;

	pthread_mutex_lock(&queue->mutex);
	while (wait && !queue->first && queue->producers)
		pthread_cond_wait(&queue->has_batch, &queue->mutex);
	batch = queue->first;
	if (batch) {
		queue->first = batch->next;
		if (!queue->first)
			queue->last = &queue->first;
		queue->length--;
		pthread_cond_signal(&queue->has_room);
	}
	pthread_mutex_unlock(&queue->mutex);
	return batch;
}

static void queue_leave(struct queue *queue)
{
	pthread_mutex_lock(&queue->mutex);
	queue->producers--;
	pthread_cond_broadcast(&queue->has_batch);
	pthread_mutex_unlock(&queue->mutex);
}

static struct batch *batch_make(struct worker *worker)
{
	struct batch *batch = malloc(sizeof(*batch));

	if (!batch)
		harness_fail("malloc failed");
	for (unsigned int i = 0; i < BATCH_BLOCKS; i++) {
		char *block = malloc(harness_size(&worker->seed, worker->row));

		if (!block)
			harness_fail("malloc failed");
		block[0] = 1;
		batch->blocks[i] = block;
	}
	return batch;
}

static void batch_free(struct batch *batch)
{
	for (unsigned int i = 0; i < BATCH_BLOCKS; i++)
		free(batch->blocks[i]);
	free(batch);
	atomic_fetch_add_explicit(&batches_done, 1, memory_order_relaxed);
}

static void *produce(void *argument)
{
	struct worker *worker = argument;

	for (uint64_t i = 0; i < worker->batches; i++) {
		if (harness_now_ns() > deadline_ns)
			break;
		queue_put(worker->out, batch_make(worker), true);
	}
	queue_leave(worker->out);
	return NULL;
}

static void *consume(void *argument)
{
	struct worker *worker = argument;
	struct batch *batch;

	while ((batch = queue_take(worker->in, true)))
		batch_free(batch);
	return NULL;
}

static void *exchange(void *argument)
{
	struct worker *worker = argument;
	struct batch *batch;

	for (uint64_t i = 0; i < worker->batches; i++) {
		if (harness_now_ns() > deadline_ns)
			break;
		batch = batch_make(worker);
		if (!queue_put(worker->out, batch, false))
			batch_free(batch);
		batch = queue_take(worker->in, false);
		if (batch)
			batch_free(batch);
	}
	queue_leave(worker->out);
	return consume(worker);
}

static void run_workers(const struct bench_row *row, void *(*entry[2])(void *))
{
	uint64_t start_ns = harness_now_ns();

	deadline_ns = start_ns + (uint64_t)BENCH_CAP_MS * 1000000U;
	for (unsigned int i = 0; i < row->threads; i++)
		if (pthread_create(&workers[i].thread, NULL, entry[i % 2], &workers[i]))
			harness_fail("cannot create a thread");
	for (unsigned int i = 0; i < row->threads; i++)
		pthread_join(workers[i].thread, NULL);
	harness_print(row, BATCH_BLOCKS * atomic_load(&batches_done),
		      harness_now_ns() - start_ns);
}

static void worker_prepare(struct worker *worker, const struct bench_row *row,
			   unsigned int number, unsigned int producers)
{
	worker->row = row;
	worker->seed = number + 1;
	worker->batches = harness_operations(row) / BATCH_BLOCKS / producers;
}

/* All producers and all consumers share one queue. */
void producer_consumer_run(const struct bench_row *row)
{
	void *(*entry[2])(void *) = { produce, consume };

	queue_open(&queues[0], row->threads / 2);
	for (unsigned int i = 0; i < row->threads; i++) {
		worker_prepare(&workers[i], row, i, row->threads / 2);
		workers[i].in = &queues[0];
		workers[i].out = &queues[0];
	}
	run_workers(row, entry);
}

void exchange_run(const struct bench_row *row)
{
	void *(*entry[2])(void *) = { exchange, exchange };

	for (unsigned int i = 0; i < row->threads; i++) {
		worker_prepare(&workers[i], row, i, row->threads);
		queue_open(&queues[i], 1);
		workers[i].in = &queues[i];
		workers[i].out = &queues[(i + 1) % row->threads];
	}
	run_workers(row, entry);
}
