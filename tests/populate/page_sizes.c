/* SPDX-License-Identifier: MIT */
/*
 * Where the kernel gives huge pages to who asks: a heap that is filled to its last block gets them,
 * a small one or one of many slabs that are hardly used does not, and none does that was told not
 * to. What came ahead and was not used is counted, and little.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"
#include "tests/populate/watch.h"

enum { TRIES = 30 };

static void need_huge_pages_on_request(void)
{
	if (!huge_pages_are("[madvise]"))
		contract_skip("huge pages are not given on request here");
	need_madvise();
}

static size_t huge_bytes(void)
{
	return kib_of_line("/proc/self/smaps_rollup", "AnonHugePages") * 1024;
}

enum growing { HUGE, SMALL, HELD_UP };

static uint64_t processor_us(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 +
	       (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

/* In a child, whose heap is as small as its parent's. */
static enum growing grow_in_child(size_t bytes)
{
	int status = 0;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		struct growth growth = { NULL, 4000, 0 };
		uint64_t began_us = now_us(), used_us = processor_us();

		growth_add(&growth, bytes, 0);
		used_us = processor_us() - used_us;
		_exit(huge_bytes() >= bytes / 2		       ? HUGE :
		      now_us() - began_us > 2 * used_us ? HELD_UP :
							  SMALL);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return (enum growing)WEXITSTATUS(status);
}

/* Pages that the host of a guest has taken back are dear, and rightly refused: then once more. */
static void a_heap_that_fills_up_is_of_huge_pages(void)
{
	cpu_set_t allowed;
	int tries, small = 0;

	need_huge_pages_on_request();
	if (sched_getaffinity(0, sizeof(allowed), &allowed) || CPU_COUNT(&allowed) < 2)
		contract_skip("a helper would have no processor beside this program");
	for (tries = 0; tries < TRIES; tries++) {
		enum growing growing = grow_in_child(512 * MIB);

		if (growing == HUGE)
			return;
		small += growing == SMALL;
	}
	if (!small)
		contract_skip("others keep the processors busy, which a helper would need");
	CHECK_THAT(small < TRIES / 2, "not half of 512 MiB is in huge pages, in %d processes",
		   small);
	contract_skip("others keep the processors busy");
}

enum { SLEEPERS = 64, SLEEPERS_SIZES = 40 };

static pthread_barrier_t all_have, all_go;

/* One block of each of many sizes: a slab of each size that is hardly used. */
static void *take_one_of_each_size(void *unused)
{
	void *blocks[SLEEPERS_SIZES];

	for (int i = 0; i < SLEEPERS_SIZES; i++)
		CHECK(blocks[i] = memset(malloc((size_t)(i + 1) * 100), 1, 100));
	pthread_barrier_wait(&all_have);
	pthread_barrier_wait(&all_go);
	for (int i = 0; i < SLEEPERS_SIZES; i++)
		free(blocks[i]);
	return unused;
}

static void slabs_that_are_hardly_used_are_of_small_pages(void)
{
	pthread_t threads[SLEEPERS];
	size_t brought, huge;

	need_huge_pages_on_request();
	pthread_barrier_init(&all_have, NULL, SLEEPERS + 1);
	pthread_barrier_init(&all_go, NULL, SLEEPERS + 1);
	for (int i = 0; i < SLEEPERS; i++)
		CHECK(!pthread_create(&threads[i], NULL, take_one_of_each_size, NULL));
	pthread_barrier_wait(&all_have);
	huge = huge_bytes();
	brought = counter("populate.brought_bytes");
	pthread_barrier_wait(&all_go);
	for (int i = 0; i < SLEEPERS; i++)
		CHECK(!pthread_join(threads[i], NULL));
	CHECK_THAT(huge <= 10 * MIB, "%zu bytes are in huge pages", huge);
	CHECK_THAT(brought <= 10 * MIB, "%zu bytes came ahead and are not used", brought);
}

static void expect_small(size_t bytes)
{
	struct growth growth = { NULL, 4000, 0 };

	need_huge_pages_on_request();
	growth_add(&growth, bytes, 0);
	CHECK_THAT(huge_bytes() == 0, "%zu bytes are in huge pages", huge_bytes());
	growth_free(&growth);
}

static void a_small_heap_is_of_small_pages(void)
{
	expect_small(5 * MIB);
}

static void none_is_huge_where_the_option_says_never(void)
{
	expect_small(64 * MIB);
}

static const struct contract_case cases[] = {
	CASE_WITH(a_small_heap_is_of_small_pages, "helpers:auto"),
	CASE_WITH(a_heap_that_fills_up_is_of_huge_pages, "helpers:auto"),
	CASE_WITH(slabs_that_are_hardly_used_are_of_small_pages, "helpers:auto"),
	CASE_WITH(none_is_huge_where_the_option_says_never, "helpers:never,huge_pages:never"),
};

CONTRACT_MAIN(cases)
