/* SPDX-License-Identifier: MIT */
/*
 * control MIB TURNS fills a heap of that many MiB from 64 threads, which then replace blocks of it.
 * Meanwhile `stats` is asked over the control socket: 100 times with a pause between, by a thread
 * of ordinary priority and by one that comes first as hakctl does; then at the beginning of every
 * other one of TURNS short turns (control_turns.c). Before each of the 100 a thread of the bench
 * that only echoes is asked too: later than it nobody can be held to answer. It prints `name value`
 * lines: how long the answers took, and what the threads did in turns with and without questions.
 */
#include "bench/harness.h"

#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <hakmem/control.h>

#include "bench/control_turns.h"

enum {
	THREADS = 64,
	LOW_BYTES = 64,
	SIZE_DOUBLINGS = 8,
	SEED = 42,
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
	_Atomic uint64_t operations;	/* relaxed: a count */
	uint64_t state;
};

static struct worker workers[THREADS];
static pthread_barrier_t barrier;
static _Atomic bool over;	/* relaxed: only ends the loops */
static uint64_t answers[LATENCY_QUESTIONS], echoes[LATENCY_QUESTIONS];
static unsigned int answered;
static int echo[2];

static void print(const char *name, uint64_t value)
{
	printf("%s %llu\n", name, (unsigned long long)value);
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
		atomic_fetch_add_explicit(&worker->operations, BATCH, memory_order_relaxed);
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

static uint64_t ask(int client)
{
	static char message[CONTROL_REPLY_BYTES];
	struct control_head head = { .magic = CONTROL_MAGIC, .version = CONTROL_VERSION,
				     .kind = CONTROL_STATS, .bytes = sizeof(head) };
	struct pollfd poller = { .fd = client, .events = POLLIN };
	uint64_t start_ns = harness_now_ns();

	if (send(client, &head, sizeof(head), MSG_NOSIGNAL) != sizeof(head) ||
	    poll(&poller, 1, HEAR_MS) <= 0 || recv(client, message, sizeof(message), 0) <= 0)
		harness_fail("stats was not answered");
	return harness_now_ns() - start_ns;
}

/* As hakctl and the library's thread do. */
static bool come_first(void)
{
	struct sched_param lowest = { .sched_priority = 1 };

	return sched_setscheduler(0, SCHED_RR, &lowest) == 0;
}

static void *answer_at_once(void *argument)
{
	char message[sizeof(struct control_head)];

	(void)argument;
	come_first();
	while (recv(echo[1], message, sizeof(message), 0) > 0)
		send(echo[1], message, sizeof(message), MSG_NOSIGNAL);
	return NULL;
}

static void start_echo(void)
{
	pthread_t thread;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, echo) ||
	    pthread_create(&thread, NULL, answer_at_once, NULL))
		harness_fail("cannot start the thread that echoes");
}

static void ask_for_latency(int client)
{
	uint64_t end_ns = harness_now_ns() + LATENCY_MOST_MS * 1000000ULL;

	for (answered = 0; answered < LATENCY_QUESTIONS && harness_now_ns() < end_ns; answered++) {
		echoes[answered] = ask(echo[0]);
		control_turns_sleep(LATENCY_PAUSE_MS * 1000000ULL);
		answers[answered] = ask(client);
		control_turns_sleep(LATENCY_PAUSE_MS * 1000000ULL);
	}
}

static uint64_t operations(void)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < THREADS; i++)
		sum += atomic_load_explicit(&workers[i].operations, memory_order_relaxed);
	return sum;
}

static int by_value(const void *one, const void *other)
{
	uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;

	return (a > b) - (a < b);
}

static void print_times(const char *who, uint64_t times[])
{
	char name[64];

	qsort(times, answered, sizeof(times[0]), by_value);
	snprintf(name, sizeof(name), "%s_p50_ns", who);
	print(name, times[answered / 2]);
	snprintf(name, sizeof(name), "%s_p99_ns", who);
	/* So many of a hundred were at most as late. */
	print(name, times[(answered * 99 + 99) / 100 - 1]);
	snprintf(name, sizeof(name), "%s_most_ns", who);
	print(name, times[answered - 1]);
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

static void print_turns(struct control_turns found)
{
	print("throughput_ratio_ppm", found.ratio_ppm);
	print("throughput_error_ppm", found.error_ppm);
	print("asked_share_ppm", found.share_ppm[true]);
	print("not_asked_share_ppm", found.share_ppm[false]);
	print("at_rest_share_ppm", found.share_at_rest_ppm);
}

int main(int count, char **arguments)
{
	unsigned int turns = count == 3 ? (unsigned int)strtoul(arguments[2], NULL, 10) : 0;
	struct control_turns found;
	int client;

	if (turns < CONTROL_TURNS_LEAST || turns > CONTROL_TURNS_MOST)
		harness_fail("usage: control MIB TURNS, 20 to 6000 of them");
	start_workers(strtoull(arguments[1], NULL, 10) * BENCH_MIB);
	pthread_barrier_wait(&barrier);
	start_echo();
	client = open_client();
	ask_for_latency(client);
	print_times("plain_answer", answers);
	print("real_time", come_first());
	ask_for_latency(client);
	print_times("answer", answers);
	print_times("echo", echoes);
	control_turns_take(&found, turns, operations, ask, client);
	atomic_store_explicit(&over, true, memory_order_relaxed);
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	print("operations", operations());
	print_turns(found);
	return 0;
}
