/* SPDX-License-Identifier: MIT */
/*
 * fuzzed.c - is a live program unharmed by whatever is written to its socket? Processes beside it
 * connect, send what is right, nearly right or rubbish, read, do not read, and go; it goes on
 * allocating, and in the end its blocks are whole and it answers. FUZZ_SECONDS (3), FUZZ_SEED.
 * Alone as `make fuzz-live FUZZ_SECONDS=600`.
 */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/populate/watch.h"
#include "tests/contract/process.h"
#include "tests/control/client.h"

enum {
	CLIENTS = 3,
	WORKERS = 2,
	BLOCKS = 300,
	SECONDS = 3,
	TRIES = 5000,
	PAUSE_US = 2000,
	HEAR_US = 20000,
};

struct item {
	char *block;
	size_t size;
	uint64_t tag;
};

/* Shared with the clients. relaxed: counts. */
static struct {
	_Atomic uint64_t requests, replies, connections;
} *counts;
static atomic_bool stop;
static uint64_t seed;
static struct timeval patience = { 0, HEAR_US };

static uint64_t below(uint64_t *random, uint64_t bound)
{
	return random_next(random) % bound;
}

static const char *one_of(uint64_t *random, const char *const words[], size_t count)
{
	return words[below(random, count)];
}

/* ---- what is sent */

/* Names and values that mean something, and some that do not. */
static void write_change(uint64_t *random, char *body)
{
	static const char *const names[] = {
		"limit_hard",
		"limit_soft",
		"decay_ms",
		"release",
		"cache_max",
		"large_policy",
		"helpers",
		"hardened",
		"live.blocks",
		"up_ns",
		"",
		"no_such_name",
		"numa.misplaced_bytes",
	};
	static const char *const values[] = {
		"none",	    "0",	  "1",	     "1M",   "64M", "2G", "1000",
		"balanced", "memory",	  "latency", "true", "",    "-1", "99999999999999999999999",
		"1e9",	    "interleave", "%s%n",
	};
	struct control_change *change = (struct control_change *)body;

	strcpy(change->name, one_of(random, names, sizeof(names) / sizeof(*names)));
	strcpy(change->value, one_of(random, values, sizeof(values) / sizeof(*values)));
}

static size_t body_bytes_of(unsigned kind)
{
	static const size_t bytes[CONTROL_KIND_END] = {
		[CONTROL_HELLO] = sizeof(struct control_hello),
		[CONTROL_GET] = sizeof(struct control_name),
		[CONTROL_SET] = sizeof(struct control_change),
		[CONTROL_PURGE] = sizeof(struct control_purge),
		[CONTROL_LIMIT] = sizeof(struct control_limit),
	};

	return kind < CONTROL_KIND_END ? bytes[kind] : 0;
}

static size_t write_request(uint64_t *random, char *request)
{
	struct control_head *head = (struct control_head *)request;
	unsigned kind = (unsigned)below(random, CONTROL_KIND_END + 1);
	size_t bytes = sizeof(*head) + body_bytes_of(kind), i;
	char *body = (char *)(head + 1);

	memset(request, 0, sizeof(*head) + CONTROL_REPLY_BYTES);
	if (kind == CONTROL_GET || kind == CONTROL_SET)
		write_change(random, body);
	else if (below(random, 2))
		for (i = sizeof(*head); i < bytes; i++)
			request[i] = (char)random_next(random);
	*head = (struct control_head){ .magic = CONTROL_MAGIC, .version = CONTROL_VERSION,
				       .kind = (uint16_t)kind, .bytes = (uint32_t)bytes,
				       .serial = (uint32_t)random_next(random) };
	/* To end the program is a client's right. */
	if (kind == CONTROL_LIMIT)
		((struct control_limit *)body)->action %= CONTROL_LIMIT_ABORT;
	return bytes;
}

/* What is wrong with some. */
static size_t spoil(uint64_t *random, char *request, size_t bytes)
{
	struct control_head *head = (struct control_head *)request;

	switch (below(random, 12)) {
	case 0:
		head->magic = (uint32_t)random_next(random);
		return bytes;
	case 1:
		head->version = (uint16_t)random_next(random);
		return bytes;
	case 2:
		head->bytes = (uint32_t)random_next(random);
		return bytes;
	case 3:
		return below(random, bytes + 1);
	case 4:
		return head->bytes = (uint32_t)below(random, 2 * CONTROL_REQUEST_BYTES);
	case 5:
		/* It must not become a limit that ends the program. */
		if (bytes != sizeof(*head) + sizeof(struct control_limit))
			request[below(random, bytes)] ^= (char)(1 << below(random, 8));
		return bytes;
	default:
		return bytes;
	}
}

/* ---- who sends it */

static void check_reply(const char *reply, size_t bytes)
{
	const struct control_head *head = (const struct control_head *)reply;
	const struct control_error *error = (const struct control_error *)(head + 1);

	CHECK(bytes >= sizeof(*head) && head->magic == CONTROL_MAGIC && head->bytes == bytes);
	CHECK(!head->row_bytes || bytes == sizeof(*head) + (size_t)head->rows * head->row_bytes);
	if (head->kind == CONTROL_ERROR)
		CHECK(error->code && error->text[0] && memchr(error->text, 0, sizeof(error->text)));
}

static void hear_some(int client, uint64_t messages)
{
	static char reply[CONTROL_REPLY_BYTES] __attribute__((aligned(8)));
	ssize_t bytes;

	for (; messages && (bytes = recv(client, reply, sizeof(reply), 0)) > 0; messages--) {
		check_reply(reply, (size_t)bytes);
		atomic_fetch_add_explicit(&counts->replies, 1, memory_order_relaxed);
	}
}

/* One connection, with a manner of its own: reads all, some, or nothing. */
static void visit(const char *path, uint64_t *random)
{
	static char request[2 * CONTROL_REQUEST_BYTES] __attribute__((aligned(8)));
	uint64_t manner = below(random, 3), left = below(random, 30);
	int client = client_connect(path);

	if (client < 0)
		return;
	atomic_fetch_add_explicit(&counts->connections, 1, memory_order_relaxed);
	CHECK(!setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)));
	for (; left; left--) {
		size_t bytes = spoil(random, request, write_request(random, request));

		if (send(client, request, bytes, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno == EPIPE)
			break;
		atomic_fetch_add_explicit(&counts->requests, 1, memory_order_relaxed);
		if (manner)
			hear_some(client, manner == 1 ? UINT64_MAX : below(random, 2));
	}
	if (below(random, 4) == 0)
		shutdown(client, (int)below(random, 3));
	close(client);
}

static pid_t start_client(const char *path, uint64_t number, time_t end)
{
	uint64_t random = seed * CLIENTS + number + 1;
	pid_t child = fork();

	if (child)
		return child;
	while (time(NULL) < end)
		visit(path, &random);
	_exit(0);
}

/* ---- the program */

/* A limit may have been set, so NULL is an answer. */
static void *work(void *number)
{
	uint64_t random = seed + (uint64_t)number;
	struct item items[BLOCKS] = { { NULL, 0, 0 } };

	while (!atomic_load(&stop)) {
		struct item *item = &items[below(&random, BLOCKS)];

		CHECK(!item->block || pattern_holds(item->block, item->size, item->tag));
		free(item->block);
		item->size = random_size(&random, below(&random, 50) ? 20000 : 3 * MIB);
		item->tag = random_next(&random);
		item->block = malloc(item->size);
		if (item->block)
			pattern_write(item->block, item->size, item->tag);
	}
	for (size_t i = 0; i < BLOCKS; i++) {
		CHECK(!items[i].block ||
		      pattern_holds(items[i].block, items[i].size, items[i].tag));
		free(items[i].block);
	}
	return NULL;
}

/* Whoever asks nothing wrong is answered, once there is a place. */
static void expect_an_answer(const char *path)
{
	char reply[CONTROL_REPLY_BYTES] __attribute__((aligned(8)));
	const struct control_head *head = (const struct control_head *)reply;
	size_t bytes;

	/* Not by the clock: all of this may be stopped for a while. */
	for (int i = 0; i < TRIES; i++) {
		int client = client_connect(path);

		CHECK_THAT(client >= 0, "nobody listens: %s", strerror(errno));
		if (send(client,
			 &(struct control_head){ .magic = CONTROL_MAGIC,
						 .version = CONTROL_VERSION,
						 .kind = CONTROL_STATS,
						 .bytes = sizeof(*head) },
			 sizeof(*head), MSG_NOSIGNAL) > 0 &&
		    (bytes = client_hear(client, reply)) >= sizeof(*head) &&
		    head->kind == CONTROL_STATS) {
			CHECK(((struct control_ledger *)(head + 1))->taken_ns);
			close(client);
			return;
		}
		close(client);
		usleep(PAUSE_US);
	}
	contract_fail(__FILE__, __LINE__, "no answer to %d requests", TRIES);
}

/* Of the helper: it has a table of its own. */
static unsigned descriptors_of(pid_t helper)
{
	char path[64];
	unsigned count = 0;
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)helper);
	folder = opendir(path);
	while (folder && readdir(folder))
		count++;
	if (folder)
		closedir(folder);
	return count;
}

static void a_program_that_is_asked_anything_is_unharmed(void)
{
	const char *seconds = getenv("FUZZ_SECONDS"), *number = getenv("FUZZ_SEED");
	time_t end = time(NULL) + (seconds && *seconds ? atoi(seconds) : SECONDS);
	pthread_t workers[WORKERS];
	pid_t clients[CLIENTS];
	unsigned descriptors;
	pid_t helper;
	char path[120];

	seed = number ? strtoull(number, NULL, 0) : (uint64_t)time(NULL) << 16 | (uint64_t)getpid();
	printf("# FUZZ_SEED=%llu\n", (unsigned long long)seed);
	fflush(stdout);
	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	CHECK(counts != MAP_FAILED);
	strcpy(path, socket_path());
	/* Now: what clients ask for may leave the program without memory. */
	helper = helper_task();
	descriptors = descriptors_of(helper);
	CHECK_THAT(descriptors > 0, "it has no descriptors that can be counted");
	for (size_t i = 0; i < CLIENTS; i++)
		clients[i] = start_client(path, i, end);
	for (size_t i = 0; i < WORKERS; i++)
		start_thread(&workers[i], NULL, work, (void *)(i + 1));
	while (time(NULL) < end) {
		expect_an_answer(path);
		usleep(100000);
	}
	for (size_t i = 0; i < CLIENTS; i++)
		expect_success(clients[i]);
	atomic_store(&stop, true);
	for (size_t i = 0; i < WORKERS; i++)
		CHECK(!pthread_join(workers[i], NULL));
	expect_an_answer(path);
	CHECK_THAT(descriptors_of(helper) <= descriptors + CONTROL_CLIENTS,
		   "%u descriptors are open; %u were before", descriptors_of(helper), descriptors);
	printf("# requests %llu, connections %llu, replies %llu\n",
	       (unsigned long long)counts->requests, (unsigned long long)counts->connections,
	       (unsigned long long)counts->replies);
}

static const struct contract_case cases[] = {
	CASE_WITH(a_program_that_is_asked_anything_is_unharmed, "control:always,helpers:always"),
};

CONTRACT_MAIN(cases)
