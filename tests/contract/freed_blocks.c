/* SPDX-License-Identifier: MIT */
/*
 * A free touches no block: a child that frees what it has inherited copies none of its pages, and
 * holds none alone that its parent has given back.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"

enum {
	HEAP_MIB = 64,		/* an allocator that links its free blocks copies all of it */
	COPIED_MIB_MOST = 6,	/* bitmaps, bins, and what the C library writes */
	SOME = 50,		/* one block in so many */
	TENTH = 10,
	LOOSE_BYTES = 102400,	/* superslabs do not divide into slabs of such blocks */
	IDLE_MIB_MOST = 2,	/* a child that does nothing; its parent gives back more */
	IDLE_US = 1000000,	/* the parent's helper is through by then */
};

static char **blocks;
static size_t count, size;

static void fill_heap(size_t bytes)
{
	uint64_t random = 1;

	size = bytes;
	count = HEAP_MIB * MIB / bytes;
	blocks = malloc(count * sizeof(*blocks));
	CHECK(blocks != NULL);
	for (size_t i = 0; i < count; i++) {
		blocks[i] = malloc(bytes);
		CHECK(blocks[i] != NULL);
		memset(blocks[i], 7, bytes);
	}
	for (size_t i = count - 1; i > 0; i--) {
		size_t other = random_next(&random) % (i + 1);
		char *block = blocks[i];

		blocks[i] = blocks[other];
		blocks[other] = block;
	}
}

static size_t private_mib(void)
{
	return kib_of_line("/proc/self/smaps_rollup", "Private_Dirty:") / KIB;
}

static void free_one_in(size_t step)
{
	for (size_t i = 0; i < count; i += step)
		free(blocks[i]);
}

static void in_child(void (*body)(void))
{
	pid_t child = fork();

	if (child == 0) {
		body();
		_exit(0);
	}
	expect_success(child);
}

static void check_copied(const char *after)
{
	size_t copied = private_mib();

	CHECK_THAT(copied <= COPIED_MIB_MOST, "blocks of %zu bytes: %zu MiB copied after %s", size,
		   copied, after);
}

static void free_all(void)
{
	free_one_in(1);
	check_copied("freeing all");
}

static void free_some_and_take_them_again(void)
{
	free_one_in(SOME);
	check_copied("freeing some");
	for (size_t i = 0; i < count / SOME; i++)
		CHECK(hidden(malloc(size)) != NULL);
	check_copied("allocating as many");
}

static void a_child_that_frees_what_it_inherited_copies_nothing(void)
{
	static const size_t sizes[] = { 16, 200, 500, 4000, 20000 };

	need_proc();
	if (access("/proc/self/smaps_rollup", R_OK))
		contract_skip("no smaps_rollup (before Linux 4.14)");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		fill_heap(sizes[i]);
		in_child(free_all);
		in_child(free_some_and_take_them_again);
		free_one_in(1);
		free(blocks);
	}
}

static void *free_all_beside(void *unused)
{
	free_one_in(1);
	return unused;
}

/* The blocks' owner waits: nobody reads what is sent to it. */
static void free_all_in_a_thread_and_take_some_again(void)
{
	size_t before, written = count / TENTH * size;
	pthread_t thread;

	start_thread(&thread, NULL, free_all_beside, NULL);
	pthread_join(thread, NULL);
	check_copied("freeing all in a thread");
	before = private_mib();
	for (size_t i = 0; i < count / TENTH; i++)
		memset(hidden(malloc(size)), 1, size);
	CHECK_THAT(private_mib() - before <= written / MIB + COPIED_MIB_MOST / 2,
		   "blocks of %zu bytes: %zu MiB copied, %zu written", size,
		   private_mib() - before, written / MIB);
}

static void a_thread_of_the_child_copies_no_more_than_it_writes(void)
{
	static const size_t sizes[] = { 16, 64, 500 };

	need_proc();
	need_threads();
	if (access("/proc/self/smaps_rollup", R_OK))
		contract_skip("no smaps_rollup (before Linux 4.14)");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		fill_heap(sizes[i]);
		in_child(free_all_in_a_thread_and_take_some_again);
		free_one_in(1);
		free(blocks);
	}
}

static void do_nothing(void)
{
	size_t before = private_mib();

	usleep(IDLE_US);
	CHECK_THAT(private_mib() <= before + IDLE_MIB_MOST, "%zu MiB more are the child's alone",
		   private_mib() - before);
}

static void what_the_parent_gives_back_is_not_left_to_an_idle_child(void)
{
	need_proc();
	if (access("/proc/self/smaps_rollup", R_OK))
		contract_skip("no smaps_rollup (before Linux 4.14)");
	fill_heap(LOOSE_BYTES);
	in_child(do_nothing);
}

static const struct contract_case cases[] = {
	/*
	 * What the parent gives back meanwhile is the child's alone from then on: that is no copy,
	 * but counts as one.
	 */
	CASE_WITH(a_child_that_frees_what_it_inherited_copies_nothing,
		  "release:latency,decay_ms:60000"),
	CASE_WITH(a_thread_of_the_child_copies_no_more_than_it_writes,
		  "release:latency,decay_ms:60000"),
	CASE_WITH(what_the_parent_gives_back_is_not_left_to_an_idle_child, "decay_ms:100"),
};

CONTRACT_MAIN(cases)
