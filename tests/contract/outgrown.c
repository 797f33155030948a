/* SPDX-License-Identifier: MIT */
/*
 * A load of small blocks ends, one in sixteen lives on, and blocks of other sizes come: are they
 * made of the memory that lies free between the survivors, and is each a block like any other?
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
	SMALL = 112,
	SMALL_MIB = 48,
	LARGE_MIB = 16,
	KEPT = 16,
	LARGE_LEAST = 400,
	LARGE_MOST = 1200,
	ROOM = 64 << 10,
};

static char **survivors;
static size_t survivors_count;
static struct {
	char *start;
	size_t bytes;
} larger[ROOM];
static size_t larger_count;

/* Random ones of all that were made. */
static void leave_survivors(void)
{
	size_t count = SMALL_MIB * MIB / SMALL;
	char **blocks = malloc(count * sizeof(*blocks));
	uint64_t random = 1;

	CHECK(blocks);
	survivors = malloc(count * sizeof(*survivors));
	CHECK(survivors);
	for (size_t i = 0; i < count; i++) {
		blocks[i] = malloc(SMALL);
		CHECK(blocks[i]);
		pattern_write(blocks[i], SMALL, i);
	}
	for (size_t i = 0; i < count; i++) {
		if (random_next(&random) % KEPT)
			free(blocks[i]);
		else
			survivors[survivors_count++] = blocks[i];
	}
	for (size_t i = 0; i < survivors_count; i++)
		pattern_write(survivors[i], SMALL, i);
	free(blocks);
}

static void add_larger(void *block, size_t bytes)
{
	CHECK(block && larger_count < ROOM);
	CHECK(malloc_usable_size(block) >= bytes);
	bytes = malloc_usable_size(block);
	pattern_write(block, bytes, ~larger_count);
	larger[larger_count].start = block;
	larger[larger_count++].bytes = bytes;
}

static size_t random_bytes(uint64_t *random)
{
	return LARGE_LEAST + random_next(random) % (LARGE_MOST - LARGE_LEAST);
}

static void make_larger(size_t mib)
{
	uint64_t random = 2;

	for (size_t made = 0; made < mib * MIB; made += larger[larger_count - 1].bytes) {
		size_t bytes = random_bytes(&random);

		add_larger(malloc(bytes), bytes);
	}
}

static void check_all(void)
{
	for (size_t i = 0; i < survivors_count; i++)
		CHECK(pattern_holds(survivors[i], SMALL, i));
	for (size_t i = 0; i < larger_count; i++)
		CHECK(pattern_holds(larger[i].start, larger[i].bytes, ~i));
}

static void free_all(void)
{
	for (size_t i = 0; i < survivors_count; i++)
		free(survivors[i]);
	for (size_t i = 0; i < larger_count; i++)
		free(larger[i].start);
}

static void larger_blocks_need_hardly_more_memory(void)
{
	size_t before;

	leave_survivors();
	before = resident_bytes();
	make_larger(LARGE_MIB);
	check_all();
	CHECK_THAT(resident_bytes() < before + LARGE_MIB * MIB / 4, "%zu MiB grew to %zu",
		   before / MIB, resident_bytes() / MIB);
	free_all();
}

static void larger_blocks_are_resized_with_their_contents(void)
{
	uint64_t random = 3;

	leave_survivors();
	make_larger(LARGE_MIB);
	for (size_t i = 0; i < larger_count; i++) {
		size_t bytes = random_bytes(&random), before = larger[i].bytes;
		char *block = realloc(larger[i].start, bytes);

		CHECK(block && pattern_holds(block, bytes < before ? bytes : before, ~i));
		CHECK(malloc_usable_size(block) >= bytes);
		larger[i].start = block;
		larger[i].bytes = malloc_usable_size(block);
		pattern_write(block, larger[i].bytes, ~i);
	}
	check_all();
	free_all();
}

static void aligned_blocks_are_aligned_beside_larger_ones(void)
{
	uint64_t random = 4;

	leave_survivors();
	make_larger(LARGE_MIB);
	for (size_t i = 0; i < 8192; i++) {
		size_t alignment = (size_t)32 << random_next(&random) % 5;
		size_t bytes = alignment * (1 + random_next(&random) % 8);
		void *block = memalign(alignment, bytes);

		CHECK(is_aligned(block, alignment));
		add_larger(block, bytes);
		add_larger(malloc(bytes), bytes);
	}
	check_all();
	free_all();
}

static void *free_in_thread(void *argument)
{
	(void)argument;
	for (size_t i = 0; i < larger_count; i += 2)
		free(larger[i].start);
	return NULL;
}

static void larger_blocks_come_home_from_another_thread(void)
{
	pthread_t thread;
	size_t before;

	need_threads();
	leave_survivors();
	make_larger(LARGE_MIB);
	before = resident_bytes();
	for (unsigned round = 0; round < 4; round++) {
		size_t count = larger_count, kept = 0;

		start_thread(&thread, NULL, free_in_thread, NULL);
		CHECK(pthread_join(thread, NULL) == 0);
		for (size_t i = 1; i < count; i += 2, kept++) {
			larger[kept] = larger[i];
			CHECK(pattern_holds(larger[i].start, larger[i].bytes, ~i));
			pattern_write(larger[kept].start, larger[kept].bytes, ~kept);
		}
		larger_count = kept;
		make_larger(LARGE_MIB / 2);
		check_all();
	}
	CHECK_THAT(resident_bytes() < before + LARGE_MIB * MIB / 2, "%zu MiB grew to %zu",
		   before / MIB, resident_bytes() / MIB);
	free_all();
}

static void move_every_other(void)
{
	for (size_t i = 0; i < larger_count; i += 2) {
		larger[i].start = realloc(larger[i].start, 2 * LARGE_MOST);
		CHECK(pattern_holds(larger[i].start, larger[i].bytes, ~i));
	}
}

/* Inherited blocks keep their size, and can be freed. */
static void a_child_has_larger_blocks_whole(void)
{
	pid_t child;

	leave_survivors();
	make_larger(LARGE_MIB);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		check_all();
		move_every_other();
		check_all();
		free_all();
		_exit(0);
	}
	expect_success(child);
	check_all();
	free_all();
}

static int made[2], done[2];

static void *make_and_stay(void *argument)
{
	char byte = 0;

	(void)argument;
	leave_survivors();
	make_larger(LARGE_MIB);
	CHECK(write(made[1], &byte, 1) == 1);
	CHECK(read(done[0], &byte, 1) == 1);
	return NULL;
}

/* Its thread is not there in the child. */
static void a_child_has_another_threads_larger_blocks_whole(void)
{
	pthread_t thread;
	char byte = 0;
	pid_t child;

	need_threads();
	CHECK(pipe(made) == 0 && pipe(done) == 0);
	start_thread(&thread, NULL, make_and_stay, NULL);
	CHECK(read(made[0], &byte, 1) == 1);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		for (size_t i = 0; i < survivors_count; i += 2)
			free(survivors[i]);
		for (size_t i = 0; i < survivors_count; i += 2) {
			survivors[i] = malloc(SMALL);
			pattern_write(survivors[i], SMALL, i);
		}
		move_every_other();
		check_all();
		free_all();
		_exit(0);
	}
	expect_success(child);
	CHECK(write(done[1], &byte, 1) == 1);
	CHECK(pthread_join(thread, NULL) == 0);
	check_all();
}

static const struct contract_case cases[] = {
	CASE(larger_blocks_need_hardly_more_memory),
	CASE(larger_blocks_are_resized_with_their_contents),
	CASE(aligned_blocks_are_aligned_beside_larger_ones),
	CASE(larger_blocks_come_home_from_another_thread),
	CASE(a_child_has_larger_blocks_whole),
	CASE(a_child_has_another_threads_larger_blocks_whole),
};

CONTRACT_MAIN(cases)
