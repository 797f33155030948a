/* SPDX-License-Identifier: MIT */
/*
 * Memory that is free goes back while the program does nothing, and what comes back is whole:
 * bursts, other threads at work, memory that the program locked, advised or protected, and
 * children made while memory was on its way.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"
#include "tests/populate/watch.h"

enum { PATIENCE_MS = 20000, CHILD_LIMIT_S = 40 };

#define BURST_BYTES (160 * MIB)

static size_t released_bytes(void)
{
	return counter("release.ring_bytes") + counter("release.vector_bytes") +
	       counter("release.plain_bytes");
}

static size_t goal_bytes;

static bool is_small(void)
{
	return resident_bytes() <= goal_bytes;
}

static void expect_resident(size_t bytes)
{
	bool went;

	goal_bytes = bytes;
	went = wait_for(is_small, PATIENCE_MS);
	if (!went && !helper_task())
		need_helper_allowed();
	CHECK_THAT(went, "%zu MiB are resident still: %s",
		   resident_bytes() / MIB, mode());
}

/* Blocks that no thread cache keeps many of. */
static void burst(struct growth *growth)
{
	*growth = (struct growth){ NULL, 60000, 0 };
	growth_add(growth, BURST_BYTES, 0);
	growth_check(growth);
}

static void a_burst_goes_back_and_can_come_again(void)
{
	struct growth growth, kept = { NULL, 1000, 0 };

	start_helper();
	growth_add(&kept, 4 * MIB, 0);
	for (int round = 0; round < 2; round++) {
		burst(&growth);
		CHECK(resident_bytes() > BURST_BYTES);
		growth_free(&growth);
		expect_resident(BURST_BYTES / 2);
	}
	CHECK(released_bytes() > BURST_BYTES);
	growth_check(&kept);
}

static void large_blocks_go_back_and_can_come_again(void)
{
	char *blocks[40];

	start_helper();
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 40; i++) {
			blocks[i] = malloc(4 * MIB + (size_t)i * 70000);
			CHECK(blocks[i]);
			pattern_write(blocks[i], 4 * MIB, (uint64_t)i);
		}
		for (int i = 0; i < 40; i++) {
			CHECK(pattern_holds(blocks[i], 4 * MIB, (uint64_t)i));
			free(blocks[i]);
		}
		expect_resident(BURST_BYTES / 2);
	}
	CHECK(released_bytes() > BURST_BYTES);
}

/* They share superslabs with what goes. */
static void what_is_in_use_between_stays_whole(void)
{
	struct growth kept = { NULL, 60000, 0 }, going = { NULL, 59000, 0 };

	start_helper();
	for (int i = 0; i < 160; i++) {
		growth_add(&going, 1 * MIB, 0);
		growth_add(&kept, MIB / 8, 0);
	}
	growth_free(&going);
	expect_resident(BURST_BYTES / 2);
	growth_check(&kept);
	growth_free(&kept);
}

static atomic_bool stop;

static void *come_and_go(void *size)
{
	while (!atomic_load(&stop)) {
		struct growth growth = { NULL, (size_t)size, 0 };

		growth_add(&growth, 24 * MIB, 0);
		growth_check(&growth);
		growth_free(&growth);
	}
	return NULL;
}

/* decay_ms:0: all that is free is on its way all the time. */
static void threads_lose_nothing_to_a_hasty_helper(void)
{
	pthread_t threads[3];

	start_helper();
	for (size_t i = 0; i < 3; i++)
		start_thread(&threads[i], NULL, come_and_go, (void *)(i == 0 ? 200 : i * 30000));
	sleep_ms(3000);
	atomic_store(&stop, true);
	for (int i = 0; i < 3; i++)
		CHECK(!pthread_join(threads[i], NULL));
	CHECK(released_bytes() > 0);
}

static void children_of_a_hasty_helpers_process_are_whole(void)
{
	struct growth kept = { NULL, 3000, 0 };
	struct rounds rounds = { .most = 20 };
	pthread_t thread;

	start_helper();
	growth_add(&kept, 16 * MIB, 0);
	start_thread(&thread, NULL, come_and_go, (void *)50000);
	while (next_round(&rounds)) {
		pid_t pid = fork();

		if (pid == 0) {
			struct growth own = { NULL, 50000, 0 };

			alarm(CHILD_LIMIT_S);
			growth_check(&kept);
			growth_add(&own, 64 * MIB, 0);
			growth_check(&own);
			growth_free(&own);
			growth_free(&kept);
			_exit(0);
		}
		sleep_ms(20);
		growth_check(&kept);
		expect_success(pid);
	}
	atomic_store(&stop, true);
	CHECK(!pthread_join(thread, NULL));
	growth_check(&kept);
}

static void a_childs_own_helper_gives_back(void)
{
	pid_t pid, parents;
	struct growth growth;

	start_helper();
	burst(&growth);
	growth_free(&growth);
	parents = helper_task();
	pid = fork();
	if (pid == 0) {
		alarm(CHILD_LIMIT_S);
		CHECK(!parents || helper_task() != parents);
		burst(&growth);
		growth_free(&growth);
		expect_resident(BURST_BYTES / 2);
		_exit(0);
	}
	expect_success(pid);
}

static void locked_memory_goes_back_too(void)
{
	struct growth growth;

	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		contract_skip("mlockall is refused here");
	need_lockable_memory();
	start_helper();
	burst(&growth);
	growth_free(&growth);
	for (int i = 0; i < 100 && !released_bytes(); i++)
		sleep_ms(50);
	burst(&growth);
	growth_free(&growth);
	munlockall();
}

/* As a program may: of a block's pages, and it puts the protection back before it frees. */
static void advised_and_protected_memory_survives(void)
{
	struct growth growth;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *blocks[64];

	start_helper();
	for (int i = 0; i < 64; i++) {
		blocks[i] = aligned_alloc(page, 16 * page);
		CHECK(blocks[i]);
		memset(blocks[i], i, 16 * page);
		CHECK(!mprotect(blocks[i], page, PROT_READ));
		madvise(blocks[i], 16 * page, i % 2 ? MADV_NOHUGEPAGE : MADV_MERGEABLE);
		madvise(blocks[i] + page, page, MADV_DONTNEED);
		mlock(blocks[i] + 2 * page, page);
	}
	burst(&growth);
	for (int i = 0; i < 64; i++) {
		CHECK(blocks[i][0] == i && blocks[i][page] == 0 && blocks[i][5 * page] == i);
		CHECK(!mprotect(blocks[i], page, PROT_READ | PROT_WRITE));
		free(blocks[i]);
	}
	growth_free(&growth);
	expect_resident(BURST_BYTES / 2);
	burst(&growth);
	growth_free(&growth);
}

static void run_on_one_processor(void)
{
	cpu_set_t allowed, one;
	int processor = 0;

	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		contract_skip("sched_getaffinity(2) is refused: %s", strerror(errno));
	while (!CPU_ISSET(processor, &allowed))
		processor++;
	CPU_ZERO(&one);
	CPU_SET(processor, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		contract_skip("sched_setaffinity(2) is refused: %s", strerror(errno));
}

static void on_one_processor_it_goes_back_though_nothing_is_populated_ahead(void)
{
	struct growth growth;

	run_on_one_processor();
	burst(&growth);
	growth_free(&growth);
	expect_resident(BURST_BYTES / 2);
	CHECK_THAT(strstr(mode(), "release only"), "%s", mode());
	CHECK(populated_ahead() == 0);
}

static const struct contract_case cases[] = {
	CASE_WITH(a_burst_goes_back_and_can_come_again, "helpers:always"),
	CASE_WITH(large_blocks_go_back_and_can_come_again, "helpers:always"),
	CASE_WITH(what_is_in_use_between_stays_whole, "helpers:always"),
	CASE_WITH(threads_lose_nothing_to_a_hasty_helper, "helpers:always,decay_ms:0"),
	CASE_WITH(children_of_a_hasty_helpers_process_are_whole, "helpers:always,decay_ms:0"),
	CASE_WITH(a_childs_own_helper_gives_back, "helpers:always,decay_ms:100"),
	CASE_WITH(locked_memory_goes_back_too, "helpers:always,decay_ms:0"),
	CASE_WITH(on_one_processor_it_goes_back_though_nothing_is_populated_ahead,
		  "helpers:auto,decay_ms:100"),
	CASE_WITH(advised_and_protected_memory_survives, "helpers:always,decay_ms:100"),
};

CONTRACT_MAIN(cases)
