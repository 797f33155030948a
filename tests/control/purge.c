/* SPDX-License-Identifier: MIT */
/*
 * purge.c - does a purge give back what sleeping threads and partly used slabs keep and what came
 * ahead, and say how much it was?
 */
#include <linux/membarrier.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/contract/case.h"
#include "tests/contract/process.h"
#include "tests/control/client.h"

enum { THREADS = 4, BLOCKS = 16384, BYTES = 1024, KEPT_ONE_IN = 64, GROWN_MOST = 1 << 19 };

#define PAGE	(size_t)sysconf(_SC_PAGESIZE)

static char *blocks[THREADS * BLOCKS];	/* of one thread after the other */
static pthread_barrier_t barrier;

/* Holds 16 MiB, puts all but a few of its blocks, and sleeps for ever. */
static void *hold(void *argument)
{
	char **own = argument;

	for (int i = 0; i < BLOCKS; i++)
		own[i] = memset(malloc(BYTES), 1, BYTES);
	for (int i = 0; i < BLOCKS; i++)
		if (i % KEPT_ONE_IN)
			free(own[i]);
	pthread_barrier_wait(&barrier);
	for (;;)
		pause();
	return NULL;
}

static void mark(unsigned char *pages, size_t first, const char *block, unsigned char what)
{
	size_t page = (size_t)block / PAGE - first,
	       last = ((size_t)block + BYTES - 1) / PAGE - first;

	for (; page <= last; page++)
		pages[page] |= what;
}

/* Bytes of pages that blocks were on, and no live one is. */
static size_t free_pages(void)
{
	size_t first = SIZE_MAX, last = 0, bytes = 0;
	unsigned char *pages;

	for (int i = 0; i < THREADS * BLOCKS; i++) {
		size_t page = (size_t)blocks[i] / PAGE;

		first = page < first ? page : first;
		last = page > last ? page : last;
	}
	pages = calloc(last - first + 2, 1);
	for (int i = 0; i < THREADS * BLOCKS; i++)
		mark(pages, first, blocks[i], i % BLOCKS % KEPT_ONE_IN ? 1 : 2);
	for (size_t i = 0; i <= last - first; i++)
		bytes += pages[i] == 1 ? PAGE : 0;
	free(pages);
	return bytes;
}

/* Without it nobody can know that a thread sleeps. */
static bool membarrier_is_refused(void)
{
	return syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0) < 0;
}

static void what_is_kept_idle_goes_back(void)
{
	struct control_purge request = { CONTROL_PURGE_WAIT | CONTROL_PURGE_CACHES, 30000 };
	const struct control_purged *purged;
	pthread_t thread;
	size_t idle, before;
	int client;

	need_helper_possible();
	CHECK(!pthread_barrier_init(&barrier, NULL, THREADS + 1));
	for (int i = 0; i < THREADS; i++)
		start_thread(&thread, NULL, hold, &blocks[i * BLOCKS]);
	pthread_barrier_wait(&barrier);
	/* Until they sleep: a thread in the middle of a call keeps its cache. */
	usleep(100000);
	idle = free_pages();
	CHECK(idle > (size_t)THREADS * BLOCKS * BYTES / 100 * 85);
	client = client_open();
	/* With release:latency no hole goes while it grows, so the purge has all of them to do. */
	before = client_stats(client).released_bytes;
	CHECK_THAT(before < idle / 2, "%zu of %zu bytes went back unasked", before, idle);
	purged = client_request(client, CONTROL_PURGE, &request, sizeof(request));
	CHECK(purged->is_done);
	if (membarrier_is_refused())
		contract_skip("membarrier(2) is refused: what sleeping threads keep stays");
	CHECK_THAT(purged->released_bytes + before >= idle / 100 * 90, "%zu of %zu bytes went back",
		   (size_t)purged->released_bytes, idle);
	CHECK(purged->elapsed_ns > 100000);
	CHECK_THAT(purged->left_bytes < idle / 10, "%zu bytes are left",
		   (size_t)purged->left_bytes);
}

/* Grows until the helper has a stock; false: it never has one. */
static bool grow(int client)
{
	for (int i = 0; i < GROWN_MOST; i++) {
		*(volatile char *)malloc(BYTES) = 1;
		if (i % 4096 == 4095 && client_stats(client).stock_bytes)
			return true;
	}
	return false;
}

static void what_was_brought_and_not_used_goes_back(void)
{
	struct control_purge request = { CONTROL_PURGE_WAIT, 30000 };
	struct control_ledger ledger;
	int client;

	need_helper_possible();
	client = client_open();
	if (!grow(client))
		contract_skip("the helper never had a stock: it has no processor, perhaps");
	client_request(client, CONTROL_PURGE, &request, sizeof(request));
	ledger = client_stats(client);
	CHECK_THAT(!ledger.stock_bytes, "%zu bytes are in stock", (size_t)ledger.stock_bytes);
}

static const struct contract_case cases[] = {
	CASE_WITH(what_is_kept_idle_goes_back,
		  "control:always,helpers:always,release:latency,decay_ms:600000,cache_max:1G"),
	CASE_WITH(what_was_brought_and_not_used_goes_back, "control:always,helpers:always"),
};

CONTRACT_MAIN(cases)
