/* SPDX-License-Identifier: MIT */
/*
 * control RATE|latency MIB fills a heap of that many MiB from 64 threads, which then replace
 * blocks of it. Meanwhile `stats` is asked over the control socket: RATE times a second (0:
 * not at all), or 100 times with a pause between. It prints `name value` lines: what the
 * threads did and how long the answers took.
 */
#include "bench/harness.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <hakmem/control.h>

enum {
	THREADS = 64,
	LOW_BYTES = 64,
	SIZE_DOUBLINGS = 8,
	SEED = 42,
	RUN_MS = 2500,
	LATENCY_QUESTIONS = 100,
	LATENCY_MOST_MS = 20000, /* where answers are very late, there are fewer */
	LATENCY_PAUSE_MS = 20,
	HEAR_MS = 10000,
	BATCH = 64,
};

struct worker {
	pthread_t thread;
	void **blocks;
	size_t count, most;
	uint64_t goal_bytes;
	uint64_t operations;
	uint64_t state;
};

static struct worker workers[THREADS];
static pthread_barrier_t barrier;
static _Atomic bool over;	/* relaxed: only ends the loops */
static uint64_t answers[LATENCY_QUESTIONS];
static unsigned int answered;

static void print(const char *name, uint64_t value)
{
	printf("%s %llu\n", name, (unsigned long long)value);
}

static void sleep_ns(uint64_t nanoseconds)
{
	struct timespec left = { (time_t)(nanoseconds / 1000000000U),
				 (long)(nanoseconds % 1000000000U) };

	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

static size_t choose_size(uint64_t *state)
{
	size_t base = (size_t)LOW_BYTES << (harness_random(state) % SIZE_DOUBLINGS);

	return base + (size_t)(harness_random(state) % (base + 1));
}

static void *new_block(size_t bytes)
{
	void *block = malloc(bytes);

	if (!block)
		harness_fail("malloc failed");
	harness_touch(block, 0, bytes);
	return block;
}

static void fill(struct worker *worker)
{
	uint64_t grown = 0;

	while (grown < worker->goal_bytes && worker->count < worker->most) {
		size_t bytes = choose_size(&worker->state);

		worker->blocks[worker->count++] = new_block(bytes);
		grown += bytes;
	}
}

static void replace(struct worker *worker)
{
	size_t i = (size_t)(harness_random(&worker->state) % worker->count);

	free(worker->blocks[i]);
	worker->blocks[i] = new_block(choose_size(&worker->state));
}

static void *work(void *argument)
{
	struct worker *worker = argument;

	fill(worker);
	pthread_barrier_wait(&barrier);
	while (!atomic_load_explicit(&over, memory_order_relaxed)) {
		for (int i = 0; i < BATCH; i++)
			replace(worker);
		worker->operations += BATCH;
	}
	return NULL;
}

static int open_client(void)
{
	const struct control_snapshot *snapshot = dlsym(RTLD_DEFAULT, "hak_snapshot");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int client = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (!snapshot || !snapshot->socket[0])
		harness_fail("the library listens at no socket");
	memcpy(address.sun_path, snapshot->socket,
	       strnlen(snapshot->socket, sizeof(address.sun_path) - 1));
	if (connect(client, (struct sockaddr *)&address, sizeof(address)))
		harness_fail("cannot connect to the control socket");
	return client;
}

static void ask(int client)
{
	static char message[CONTROL_REPLY_BYTES];
	struct control_head head = { .magic = CONTROL_MAGIC, .version = CONTROL_VERSION,
				     .kind = CONTROL_STATS, .bytes = sizeof(head) };
	struct pollfd poller = { .fd = client, .events = POLLIN };
	uint64_t start_ns = harness_now_ns();

	if (send(client, &head, sizeof(head), MSG_NOSIGNAL) != sizeof(head) ||
	    poll(&poller, 1, HEAR_MS) <= 0 || recv(client, message, sizeof(message), 0) <= 0)
		harness_fail("stats was not answered");
	if (answered < sizeof(answers) / sizeof(answers[0]))
		answers[answered++] = harness_now_ns() - start_ns;
}

static void ask_at_rate(uint64_t a_second)
{
	uint64_t start_ns = harness_now_ns(), end_ns = start_ns + RUN_MS * 1000000ULL;
	int client = a_second ? open_client() : -1;

	if (!a_second)
		sleep_ns(RUN_MS * 1000000ULL);
	while (a_second && harness_now_ns() < end_ns) {
		ask(client);
		sleep_ns(1000000000U / a_second);
	}
}

static void ask_for_latency(void)
{
	uint64_t end_ns = harness_now_ns() + LATENCY_MOST_MS * 1000000ULL;
	int client = open_client();

	while (answered < LATENCY_QUESTIONS && harness_now_ns() < end_ns) {
		ask(client);
		sleep_ns(LATENCY_PAUSE_MS * 1000000ULL);
	}
}

static int by_value(const void *one, const void *other)
{
	uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;

	return (a > b) - (a < b);
}

static void print_answers(void)
{
	if (!answered)
		return;
	qsort(answers, answered, sizeof(answers[0]), by_value);
	print("answers", answered);
	print("answer_p50_ns", answers[answered / 2]);
	print("answer_p99_ns", answers[answered * 99 / 100]);
	print("answer_most_ns", answers[answered - 1]);
}

static void start_workers(uint64_t bytes)
{
	pthread_barrier_init(&barrier, NULL, THREADS + 1);
	for (unsigned int i = 0; i < THREADS; i++) {
		workers[i].goal_bytes = bytes / THREADS;
		workers[i].most = (size_t)(workers[i].goal_bytes / (16 * LOW_BYTES));
		workers[i].blocks = harness_map(workers[i].most * sizeof(void *));
		workers[i].state = SEED + i;
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			harness_fail("cannot start a thread");
	}
}

int main(int count, char **arguments)
{
	uint64_t operations = 0, start_ns;

	if (count != 3)
		harness_fail("usage: control RATE|latency MIB");
	start_workers(strtoull(arguments[2], NULL, 10) * BENCH_MIB);
	pthread_barrier_wait(&barrier);
	start_ns = harness_now_ns();
	if (strcmp(arguments[1], "latency") == 0)
		ask_for_latency();
	else
		ask_at_rate(strtoull(arguments[1], NULL, 10));
	atomic_store_explicit(&over, true, memory_order_relaxed);
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	start_ns = harness_now_ns() - start_ns;
	for (unsigned int i = 0; i < THREADS; i++)
		operations += workers[i].operations;
	print("operations", operations);
	print("elapsed_ns", start_ns);
	print_answers();
	return 0;
}
