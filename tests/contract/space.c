/* SPDX-License-Identifier: MIT */
/*
 * What a process finds of its address space and of what it may map or lock beside the heap: as
 * much as with the C library's allocator, within a twentieth, whenever limits were set.
 */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"

enum { SMALL = 1000, STARTS = 200, DISTINCT = 190, NOBODY = 65534, HELPER_US = 300000 };

static size_t mapped_bytes(void)
{
	return kib_of_line("/proc/self/status", "VmSize:") * KIB;
}

static void use_small_blocks(size_t bytes)
{
	for (size_t used = 0; used < bytes; used += SMALL) {
		char *block = hidden(malloc(SMALL));

		CHECK_THAT(block, "NULL after %zu MiB", used / MIB);
		block[0] = 1;
	}
}

static void limit(int resource, size_t bytes)
{
	struct rlimit limit = { bytes, bytes };

	CHECK(!setrlimit(resource, &limit));
}

static void a_process_that_uses_little_maps_little(void)
{
	need_proc();
	use_small_blocks(MIB);
	CHECK_THAT(mapped_bytes() < 8 * MIB, "%zu KiB are mapped", mapped_bytes() / KIB);
	use_small_blocks(199 * MIB);
	/* What the helper has in hand comes and goes. */
	for (int i = 0; i < 50 && mapped_bytes() >= 272 * MIB; i++)
		usleep(100000);
	CHECK_THAT(mapped_bytes() < 272 * MIB, "%zu MiB are mapped", mapped_bytes() / MIB);
}

/* What the kernel compares with the limit is the address space, whatever of it has pages. */
static void lock_as_nobody(int flags)
{
	use_small_blocks(MIB);
	/* A helper that was asked for is there by then. */
	usleep(HELPER_US);
	limit(RLIMIT_MEMLOCK, 8 * MIB);
	if (!geteuid() && (setgid(NOBODY) || setuid(NOBODY)))
		contract_skip("no other user can be become");
	CHECK_THAT(!mlockall(flags), "mlockall: %s", strerror(errno));
	for (int i = 0; i < 3; i++) {
		char *block = malloc(300000);

		CHECK(block);
		memset(block, 1, 300000);
	}
}

static void any_user_may_lock_a_small_process(void)
{
	lock_as_nobody(MCL_CURRENT);
}

static void any_user_may_lock_a_small_process_and_what_it_maps_later(void)
{
	lock_as_nobody(MCL_CURRENT | MCL_FUTURE);
}

/* The same, with a helper from the start, with its control thread, and hardened. */
static void with_a_helper_any_user_may_lock_a_small_process(void)
{
	lock_as_nobody(MCL_CURRENT);
}

static void controlled_it_may_be_locked(void)
{
	lock_as_nobody(MCL_CURRENT);
}

static void hardened_it_may_be_locked(void)
{
	lock_as_nobody(MCL_CURRENT | MCL_FUTURE);
}

static void with_a_helper_it_may_be_locked_with_what_it_maps_later(void)
{
	lock_as_nobody(MCL_CURRENT | MCL_FUTURE);
}

static void what_is_locked_is_little_more_than_what_is_used(void)
{
	struct rlimit limit;

	/* Nobody may lock some, and this takes more. */
	if ((geteuid() && !getrlimit(RLIMIT_MEMLOCK, &limit) && limit.rlim_cur < 512 * MIB) ||
	    mlockall(MCL_CURRENT | MCL_FUTURE))
		contract_skip("so much memory may not be locked");
	use_small_blocks(20 * MIB);
	CHECK_THAT(resident_bytes() < 34 * MIB, "%zu MiB are resident", resident_bytes() / MIB);
	use_small_blocks(180 * MIB);
	CHECK_THAT(resident_bytes() < 256 * MIB, "%zu MiB are resident", resident_bytes() / MIB);
}

static void *do_nothing(void *data)
{
	return data;
}

/* A judge, or Python's resource.setrlimit. */
static void a_limit_that_is_set_later_leaves_room_for_threads_and_mappings(void)
{
	pthread_t thread;

	need_threads();
	use_small_blocks(10 * MIB);
	limit(RLIMIT_AS, GIB);
	CHECK(!pthread_create(&thread, NULL, do_nothing, NULL));
	CHECK(!pthread_join(thread, NULL));
	CHECK(mmap(NULL, 900 * MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
	CHECK(!malloc(hidden_size(2 * GIB)));
	CHECK(malloc(hidden_size(50 * MIB)));
}

/* All that is writable counts, whether it has pages or not. */
static void a_limit_of_data_is_left_to_the_program_but_for_what_is_used(void)
{
	size_t own = 0;

	limit(RLIMIT_DATA, 600 * MIB);
	use_small_blocks(200 * MIB);
	while (own < 600 && mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
				 0) != MAP_FAILED)
		own++;
	CHECK_THAT(own >= 360, "%zu MiB only, of 600, beside a heap of 200", own);
}

static void part_uses_most_of_what_is_left(void)
{
	size_t blocks = 0;

	while (blocks < 100 && malloc(hidden_size(3700000)))
		blocks++;
	printf("%zu", blocks);
	fflush(stdout);
}

/* blocks: as many as the C library's allocator has room for, less one. */
static void start_under(int resource, size_t bytes, size_t blocks)
{
	static struct child child;
	pid_t pid = fork();

	if (pid == 0) {
		limit(resource, bytes);
		child_run_case(&child, "part_uses_most_of_what_is_left", NULL, NULL);
		CHECK_THAT(child_succeeded(&child), "%s", child.errors);
		CHECK_THAT((size_t)atoi(child.output) >= blocks, "%s blocks only, not %zu",
			   child.output, blocks);
		_exit(0);
	}
	expect_success(pid);
}

static void an_address_space_of_48_mib_is_used_to_its_end(void)
{
	start_under(RLIMIT_AS, 48 * MIB, 11);
}

static void data_of_64_mib_is_used_to_its_end(void)
{
	start_under(RLIMIT_DATA, 64 * MIB, 16);
}

/* 5 TiB in all, of which 3 MiB are touched. */
static void sparse_blocks_fill_more_than_a_few_tebibytes(void)
{
	for (size_t i = 0; i < 320; i++) {
		char *block = malloc(16 * (size_t)GIB);

		if (!block && i == 0)
			contract_skip("no 16 GiB can be had");
		CHECK_THAT(block, "NULL after %zu of 16 GiB", i);
		block[12345678] = 1;
	}
}

static void part_tells_where_the_heap_is(void)
{
	printf("%td", (char *)malloc(100) - (char *)&printf);
	fflush(stdout);
}

static int by_value(const void *left, const void *right)
{
	return strcmp(left, right);
}

/* Who reads one heap pointer must not have the library's addresses by it. */
static void the_heap_lies_elsewhere_in_every_process(void)
{
	static char places[STARTS][32];
	static struct child child;
	size_t distinct = 1;

	for (size_t i = 0; i < STARTS; i++) {
		child_run_case(&child, "part_tells_where_the_heap_is", NULL, NULL);
		CHECK_THAT(child_succeeded(&child), "%s", child.errors);
		snprintf(places[i], sizeof(places[i]), "%.31s", child.output);
	}
	qsort(places, STARTS, sizeof(places[0]), by_value);
	for (size_t i = 1; i < STARTS; i++)
		distinct += strcmp(places[i], places[i - 1]) != 0;
	CHECK_THAT(distinct >= DISTINCT, "%zu distances in %d starts", distinct, STARTS);
}

static const struct contract_case cases[] = {
	CASE(a_process_that_uses_little_maps_little),
	CASE(any_user_may_lock_a_small_process),
	CASE(any_user_may_lock_a_small_process_and_what_it_maps_later),
	CASE_WITH(with_a_helper_any_user_may_lock_a_small_process, "helpers:always"),
	CASE_WITH(with_a_helper_it_may_be_locked_with_what_it_maps_later, "helpers:always"),
	CASE_WITH(controlled_it_may_be_locked, "control:always"),
	CASE_WITH(hardened_it_may_be_locked, "hardened:true,helpers:always"),
	CASE(what_is_locked_is_little_more_than_what_is_used),
	CASE(a_limit_that_is_set_later_leaves_room_for_threads_and_mappings),
	CASE(a_limit_of_data_is_left_to_the_program_but_for_what_is_used),
	CASE_PART(part_uses_most_of_what_is_left),
	CASE(an_address_space_of_48_mib_is_used_to_its_end),
	CASE(data_of_64_mib_is_used_to_its_end),
	CASE(sparse_blocks_fill_more_than_a_few_tebibytes),
	CASE_PART(part_tells_where_the_heap_is),
	CASE(the_heap_lies_elsewhere_in_every_process),
};

CONTRACT_MAIN(cases)
