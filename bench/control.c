/* SPDX-License-Identifier: MIT */
/*
 * control MIB TURNS fills a heap of that many MiB from 64 threads, which then replace blocks of
 * it. Meanwhile `stats` is asked over the control socket: 100 times with a pause between, by a
 * thread of ordinary priority and by one that comes first as hakctl does; then in every other
 * one of TURNS short turns. It prints `name value` lines: how long the answers took, and what
 * the threads did in turns with and without questions.
 */
#include "bench/harness.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <math.h>
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
#include <time.h>
#include <unistd.h>

#include <hakmem/control.h>

enum {
	THREADS = 64,
	LOW_BYTES = 64,
	SIZE_DOUBLINGS = 8,
	SEED = 42,
	TURN_MS = 300,
	QUESTIONS_A_SECOND = 10,
	TURNS_MOST = 1000,
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
static uint64_t answers[LATENCY_QUESTIONS];
static unsigned int answered;
static double ratios[TURNS_MOST];
static char spent_by[2][64];		/* files that tell what the library's threads have used */
static uint64_t spent_ns[2];		/* in turns without questions, and with */

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

static void ask_for_latency(int client)
{
	uint64_t end_ns = harness_now_ns() + LATENCY_MOST_MS * 1000000ULL;

	answered = 0;
	while (answered < LATENCY_QUESTIONS && harness_now_ns() < end_ns) {
		ask(client);
		sleep_ns(LATENCY_PAUSE_MS * 1000000ULL);
	}
}

static uint64_t operations(void)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < THREADS; i++)
		sum += atomic_load_explicit(&workers[i].operations, memory_order_relaxed);
	return sum;
}

static void find_librarys_threads(void)
{
	static const char *const names[] = { "hakmem-helper", "hakmem-control" };
	DIR *folder = opendir("/proc/self/task");
	struct dirent *entry;
	char path[64], name[32];

	while (folder && (entry = readdir(folder)) != NULL) {
		FILE *file;

		snprintf(path, sizeof(path), "/proc/self/task/%.12s/comm", entry->d_name);
		file = fopen(path, "r");
		if (file && fscanf(file, "%31s", name) == 1)
			for (int i = 0; i < 2; i++)
				if (!strcmp(name, names[i]))
					snprintf(spent_by[i], sizeof(spent_by[i]),
						 "/proc/self/task/%.12s/schedstat", entry->d_name);
		if (file)
			fclose(file);
	}
	if (folder)
		closedir(folder);
	if (!spent_by[0][0] || !spent_by[1][0])
		harness_fail("the library's threads are not there");
}

static uint64_t spent_by_library(void)
{
	uint64_t sum = 0;

	for (int i = 0; i < 2; i++) {
		FILE *file = fopen(spent_by[i], "r");
		unsigned long long ns = 0;

		if (!file || fscanf(file, "%llu", &ns) != 1)
			harness_fail("the kernel does not tell what a thread has used");
		fclose(file);
		sum += ns;
	}
	return sum;
}

/* Operations a second while a turn lasts, its questions included. */
static double take_turn(int client, bool with_questions)
{
	uint64_t start_ns = harness_now_ns(), before = operations();
	uint64_t end_ns = start_ns + TURN_MS * 1000000ULL, spent = spent_by_library();

	while (harness_now_ns() < end_ns) {
		if (with_questions)
			ask(client);
		sleep_ns(1000000000U / QUESTIONS_A_SECOND);
	}
	spent_ns[with_questions] += spent_by_library() - spent;
	return (double)(operations() - before) * 1e9 / (double)(harness_now_ns() - start_ns);
}

/* Neighbours are compared, each pair in the other order: what else is slow is so for both. */
static void compare_turns(int client, unsigned int pairs)
{
	for (unsigned int i = 0; i < pairs; i++) {
		double one = take_turn(client, i & 1), other = take_turn(client, !(i & 1));

		ratios[i] = i & 1 ? one / other : other / one;
	}
}

static int by_value(const void *one, const void *other)
{
	uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;

	return (a > b) - (a < b);
}

static int by_ratio(const void *one, const void *other)
{
	double a = *(const double *)one, b = *(const double *)other;

	return (a > b) - (a < b);
}

static void print_answers(const char *who)
{
	char name[64];

	if (!answered)
		return;
	qsort(answers, answered, sizeof(answers[0]), by_value);
	snprintf(name, sizeof(name), "%s_p50_ns", who);
	print(name, answers[answered / 2]);
	snprintf(name, sizeof(name), "%s_p99_ns", who);
	print(name, answers[answered * 99 / 100]);
	snprintf(name, sizeof(name), "%s_most_ns", who);
	print(name, answers[answered - 1]);
}

/* The median of ratios, and the half width of where 95 % of such medians would lie. */
static void print_ratios(unsigned int pairs)
{
	double all_ns = (double)pairs * TURN_MS * 1e6 * (double)sysconf(_SC_NPROCESSORS_ONLN);
	double reach = 0.98 * sqrt((double)pairs);
	unsigned int low = (unsigned int)((double)pairs / 2 - reach), high = pairs - 1 - low;

	qsort(ratios, pairs, sizeof(ratios[0]), by_ratio);
	print("throughput_ratio_ppm", (uint64_t)(ratios[pairs / 2] * 1e6));
	print("asked_share_ppm", (uint64_t)((double)spent_ns[1] * 1e6 / all_ns));
	print("not_asked_share_ppm", (uint64_t)((double)spent_ns[0] * 1e6 / all_ns));
	print("throughput_error_ppm", (uint64_t)((ratios[high] - ratios[low]) * 5e5));
}

/* As hakctl and the library's thread do. */
static void come_first(void)
{
	struct sched_param lowest = { .sched_priority = 1 };

	print("real_time", sched_setscheduler(0, SCHED_RR, &lowest) == 0);
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
	unsigned int turns = count == 3 ? (unsigned int)strtoul(arguments[2], NULL, 10) : 0;
	int client;

	if (turns < 8 || turns > TURNS_MOST)
		harness_fail("usage: control MIB TURNS, 8 of them at least");
	start_workers(strtoull(arguments[1], NULL, 10) * BENCH_MIB);
	pthread_barrier_wait(&barrier);
	client = open_client();
	ask_for_latency(client);
	print_answers("plain_answer");
	come_first();
	ask_for_latency(client);
	print_answers("answer");
	find_librarys_threads();
	compare_turns(client, turns / 2);
	atomic_store_explicit(&over, true, memory_order_relaxed);
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	print("operations", operations());
	print_ratios(turns / 2);
	return 0;
}
