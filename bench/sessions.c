/* SPDX-License-Identifier: MIT */
/*
 * A server of sessions of mixed lifetime beside a cache of values that grow: what a size was
 * used for goes, and is not wanted again. One operation is one value put into the cache, which
 * throws out the least recently used to keep its size; a session of 8 to 40 blocks begins at
 * every eighth. Blocks are written whole. What counts is the peak: live are 64 MiB of values and
 * some 17 MiB of sessions.
 */
#include "bench/workloads.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAX_THREADS = 4,
	BLOCKS_MOST = 40,
	VALUE_FIRST = 96,
	DOUBLINGS = 6,		/* of a value's size, while the row runs */
	SESSION_EVERY = 8,
	WHEEL = 1 << 16,	/* operations that a session lasts at most */
};

#define CACHE_BYTES (64 * BENCH_MIB)

struct value {
	char *block;
	size_t bytes;
	uint32_t newer, older;	/* index + 1 */
};

struct session {
	void *blocks[BLOCKS_MOST];
	uint32_t count, next;	/* next: index + 1 of one that ends at the same operation */
};

struct server {
	const struct bench_row *row;
	struct value *values;
	struct session *sessions;
	uint32_t *ends;		/* the wheel: sessions by when they end */
	uint32_t newest, oldest, free_value, free_session;
	size_t cached, most;
	uint64_t seed, operations;
};

static struct server servers[MAX_THREADS];

static char *filled(size_t bytes)
{
	char *block = malloc(bytes);

	if (!block)
		harness_fail("malloc failed");
	return memset(block, 1, bytes);
}

static void unlink_value(struct server *server, uint32_t index)
{
	struct value *value = &server->values[index];

	*(value->newer ? &server->values[value->newer - 1].older : &server->newest) = value->older;
	*(value->older ? &server->values[value->older - 1].newer : &server->oldest) = value->newer;
}

static void link_newest(struct server *server, uint32_t index)
{
	struct value *value = &server->values[index];

	value->older = server->newest;
	value->newer = 0;
	*(server->newest ? &server->values[server->newest - 1].newer : &server->oldest) = index + 1;
	server->newest = index + 1;
}

/* One in four of the oldest was read lately: it becomes the newest. */
static void evict(struct server *server)
{
	uint32_t index = server->oldest - 1;
	struct value *value = &server->values[index];

	unlink_value(server, index);
	if (harness_random(&server->seed) % 4 == 0) {
		link_newest(server, index);
		return;
	}
	server->cached -= value->bytes;
	free(value->block);
	value->newer = server->free_value;
	server->free_value = index + 1;
}

static size_t value_bytes(struct server *server, uint64_t operation)
{
	uint64_t total = server->operations;
	size_t low = (size_t)VALUE_FIRST << operation * DOUBLINGS / total;

	return low + harness_random(&server->seed) % low;
}

static void put_value(struct server *server, uint64_t operation)
{
	size_t bytes = value_bytes(server, operation);
	uint32_t index;

	while (server->cached + bytes > server->most || !server->free_value)
		evict(server);
	index = server->free_value - 1;
	server->free_value = server->values[index].newer;
	server->values[index].block = filled(bytes);
	server->values[index].bytes = bytes;
	server->cached += bytes;
	link_newest(server, index);
}

/* Four in five are short, one in twenty is long. */
static uint64_t lifetime(struct server *server)
{
	uint64_t kind = harness_random(&server->seed) % 20;
	uint64_t most = kind < 16 ? 64 : kind < 19 ? 4096 : WHEEL - 1;

	return 1 + harness_random(&server->seed) % most;
}

static size_t session_bytes(struct server *server)
{
	return 16 + (harness_random(&server->seed) % 2048 >> harness_random(&server->seed) % 6);
}

static void begin_session(struct server *server, uint64_t operation)
{
	uint32_t index = server->free_session - 1, i;
	struct session *session = &server->sessions[index];
	uint32_t *end = &server->ends[(operation + lifetime(server)) % WHEEL];

	server->free_session = session->next;
	session->count = 8 + (uint32_t)(harness_random(&server->seed) % (BLOCKS_MOST - 7));
	for (i = 0; i < session->count; i++)
		session->blocks[i] = filled(session_bytes(server));
	session->next = *end;
	*end = index + 1;
}

static void end_sessions(struct server *server, uint64_t operation)
{
	uint32_t link = server->ends[operation % WHEEL];

	server->ends[operation % WHEEL] = 0;
	while (link) {
		struct session *session = &server->sessions[link - 1];
		uint32_t next = session->next;

		while (session->count)
			free(session->blocks[--session->count]);
		session->next = server->free_session;
		server->free_session = link;
		link = next;
	}
}

static void *serve(void *argument)
{
	struct server *server = argument;
	uint64_t operation;

	for (operation = 0; operation < server->operations; operation++) {
		end_sessions(server, operation);
		if (operation % SESSION_EVERY == 0)
			begin_session(server, operation);
		put_value(server, operation);
	}
	return NULL;
}

static void open_server(struct server *server, const struct bench_row *row, unsigned int number)
{
	uint32_t values = (uint32_t)(CACHE_BYTES / VALUE_FIRST / row->threads), i;

	server->row = row;
	server->seed = number + 1;
	server->most = CACHE_BYTES / row->threads;
	server->operations = harness_operations(row) / row->threads;
	server->values = harness_map(values * sizeof(*server->values));
	server->sessions = harness_map(WHEEL / SESSION_EVERY * sizeof(*server->sessions));
	server->ends = harness_map(WHEEL * sizeof(*server->ends));
	for (i = 0; i < values; i++)
		server->values[i].newer = i + 1 < values ? i + 2 : 0;
	for (i = 0; i < WHEEL / SESSION_EVERY; i++)
		server->sessions[i].next = i + 1 < WHEEL / SESSION_EVERY ? i + 2 : 0;
	server->free_value = server->free_session = 1;
}

void sessions_run(const struct bench_row *row)
{
	pthread_t threads[MAX_THREADS];
	uint64_t start_ns;
	unsigned int i;

	for (i = 0; i < row->threads; i++)
		open_server(&servers[i], row, i);
	start_ns = harness_now_ns();
	for (i = 0; i < row->threads; i++)
		if (pthread_create(&threads[i], NULL, serve, &servers[i]))
			harness_fail("cannot create a thread");
	for (i = 0; i < row->threads; i++)
		pthread_join(threads[i], NULL);
	harness_print(row, harness_operations(row), harness_now_ns() - start_ns);
}
