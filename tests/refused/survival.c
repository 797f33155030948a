/* SPDX-License-Identifier: MIT */
/*
 * What a server does, with everything of hakmem that asks the kernel for something: the heap
 * grows by threads, is read, shrinks, is trimmed, idles until the helper looks, forks, moves
 * large blocks, and grows again. Run plainly it has to pass; tests/refused/run runs it under
 * each refusal, where it has to pass as well: no facility is needed to be right.
 */
#include <errno.h>
#include <grp.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"

enum {
	SLOTS = 4000,
	GROWTH_MIB = 64,
	THREADS = 3,
	THREAD_MIB = 16,
	LARGE_MIB = 40,
	IDLE_MS = 700,	/* longer than the helper's longest sleep */
	NOBODY = 65534,
};

struct holding {
	char *block[SLOTS];
	size_t size[SLOTS];
	size_t count;
	size_t bytes;
};

static void *take(size_t size, uint64_t choice)
{
	switch (choice % 8) {
	case 0:
		return calloc(1, size);
	case 1:
		return memalign((size_t)64 << choice / 8 % 10, size);
	default:
		return malloc(size);
	}
}

static void hold(struct holding *holding, size_t bytes, uint64_t seed)
{
	while (holding->bytes < bytes && holding->count < SLOTS) {
		uint64_t choice = random_next(&seed);
		size_t size = 1 + random_size(&seed, choice % 256 ? 60000 : 3 * MIB);
		size_t place = holding->count++;

		holding->block[place] = take(size, choice >> 8);
		CHECK_THAT(holding->block[place], "%zu bytes: %s", size, strerror(errno));
		CHECK((choice >> 8) % 8 || all_zero(holding->block[place], size));
		pattern_write(holding->block[place], size, place);
		holding->size[place] = size;
		holding->bytes += size;
	}
}

static void drop(struct holding *holding, size_t step)
{
	size_t kept = 0;

	for (size_t i = 0; i < holding->count; i++) {
		CHECK_THAT(pattern_holds(holding->block[i], holding->size[i], i),
			   "block %zu of %zu bytes was overwritten", i, holding->size[i]);
		if (i % step)
			continue;
		free(holding->block[i]);
		holding->block[i] = NULL;
	}
	for (size_t i = 0; i < holding->count; i++) {
		if (!holding->block[i])
			continue;
		holding->block[kept] = holding->block[i];
		holding->size[kept] = holding->size[i];
		pattern_write(holding->block[kept], holding->size[kept], kept);
		kept++;
	}
	holding->count = kept;
	holding->bytes = 0;
	for (size_t i = 0; i < kept; i++)
		holding->bytes += holding->size[i];
}

static void *use_a_thread(void *number)
{
	struct holding *holding = calloc(1, sizeof(*holding));
	uint64_t seed = (uintptr_t)number;

	CHECK(holding);
	for (int round = 0; round < 4; round++) {
		hold(holding, THREAD_MIB * MIB, seed + (uint64_t)round);
		drop(holding, 2 + (size_t)round);
	}
	drop(holding, 1);
	free(holding);
	return NULL;
}

/* Where threads are refused, their work is done by this one. */
static void use_threads(void)
{
	pthread_t threads[THREADS];
	bool started[THREADS];

	for (uintptr_t i = 0; i < THREADS; i++)
		started[i] = !pthread_create(&threads[i], NULL, use_a_thread, (void *)(i + 1));
	for (uintptr_t i = 0; i < THREADS; i++) {
		if (started[i])
			CHECK(!pthread_join(threads[i], NULL));
		else
			use_a_thread((void *)(i + 1));
	}
}

static void idle(void)
{
	struct timespec time = { IDLE_MS / 1000, IDLE_MS % 1000 * 1000000L };

	while (nanosleep(&time, &time) && errno == EINTR)
		;
}

static void move_large_blocks(void)
{
	char *block = malloc(LARGE_MIB * MIB), *behind, *grown;

	CHECK(block);
	behind = malloc(2 * MIB);
	CHECK(behind);
	pattern_write(block, LARGE_MIB * MIB, 1);
	pattern_write(behind, 2 * MIB, 2);
	grown = realloc(block, 2 * LARGE_MIB * MIB);
	CHECK(grown && pattern_holds(grown, LARGE_MIB * MIB, 1));
	CHECK(pattern_holds(behind, 2 * MIB, 2));
	memset(grown, 1, 2 * LARGE_MIB * MIB);
	free(grown);
	free(behind);
	block = calloc(1, LARGE_MIB * MIB);
	CHECK(block && all_zero(block, LARGE_MIB * MIB));
	free(block);
}

/* A limit on processes may refuse the child: then there is nothing to see. */
static void use_a_child(struct holding *holding)
{
	pid_t pid = fork();

	if (pid == 0) {
		drop(holding, 2);
		hold(holding, GROWTH_MIB * MIB, 7);
		malloc_trim(0);
		drop(holding, 1);
		_exit(0);
	}
	CHECK_THAT(pid > 0 || errno == EAGAIN, "fork: %s", strerror(errno));
	if (pid > 0)
		expect_success(pid);
}

static void serve(void)
{
	static struct holding holding;

	hold(&holding, GROWTH_MIB * MIB, 1);
	use_threads();
	drop(&holding, 2);
	malloc_trim(0);
	idle();
	hold(&holding, GROWTH_MIB * MIB, 2);
	use_a_child(&holding);
	move_large_blocks();
	drop(&holding, 3);
	idle();
	use_threads();
	hold(&holding, GROWTH_MIB * MIB, 3);
	drop(&holding, 1);
	malloc_trim(0);
	CHECK_THAT(mallinfo2().uordblks < MIB && mallinfo2().hblkhd == 0,
		   "%zu bytes are still in use", mallinfo2().uordblks);
}

static void a_server_is_served(void)
{
	serve();
}

static void a_server_is_served_with_a_helper_from_the_first_block(void)
{
	serve();
}

static void a_server_is_served_without_a_helper(void)
{
	serve();
}

static void a_server_is_served_by_huge_pages(void)
{
	serve();
}

static void limit(int resource, rlim_t most)
{
	struct rlimit limit = { most, most };

	CHECK_THAT(!setrlimit(resource, &limit), "setrlimit: %s", strerror(errno));
}

/* In the process itself: the loader could not open a library under such a limit. */
static void a_server_that_may_open_nothing_is_served(void)
{
	limit(RLIMIT_NOFILE, 3);
	CHECK(dup(0) < 0 && errno == EMFILE);
	serve();
}

static void a_server_that_may_start_nothing_is_served(void)
{
	if (geteuid() == 0)
		CHECK(!setgroups(0, NULL) && !setresgid(NOBODY, NOBODY, NOBODY) &&
		      !setresuid(NOBODY, NOBODY, NOBODY));
	limit(RLIMIT_NPROC, 1);
	serve();
}

static void a_server_in_a_small_address_space_is_served(void)
{
	limit(RLIMIT_AS, 2 * GIB);
	serve();
}

static const struct contract_case cases[] = {
	CASE_WITH(a_server_is_served, "helpers:auto"),
	CASE_WITH(a_server_is_served_with_a_helper_from_the_first_block, "helpers:always"),
	CASE_WITH(a_server_is_served_without_a_helper, "helpers:never"),
	CASE_WITH(a_server_is_served_by_huge_pages, "helpers:always,huge_pages:always"),
	CASE_WITH(a_server_that_may_open_nothing_is_served, "helpers:always"),
	CASE_WITH(a_server_that_may_start_nothing_is_served, "helpers:always"),
	CASE_WITH(a_server_in_a_small_address_space_is_served, "helpers:always"),
};

CONTRACT_MAIN(cases)
