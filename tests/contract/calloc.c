/* SPDX-License-Identifier: MIT */
/*
 * calloc gives zeros also where others have written before: in every size class, in large
 * blocks, after realloc, trim and fork. Catches a "known to be zero" that is not.
 */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"

/* About this much of each class is written, freed, and asked for again. */
enum { DIRTY_BYTES = 4 << 20, MOST_BLOCKS = 4096 };

static size_t blocks_of(size_t size)
{
	size_t count = DIRTY_BYTES / size;

	return count > MOST_BLOCKS ? MOST_BLOCKS : count < 4 ? 4 : count;
}

static void dirty(void **blocks, size_t count, size_t size)
{
	for (size_t i = 0; i < count; i++) {
		CHECK((blocks[i] = malloc(size)));
		memset(blocks[i], 0xa5, malloc_usable_size(blocks[i]));
	}
	for (size_t i = 0; i < count; i++)
		free(blocks[i]);
}

static void expect_zeros(void **blocks, size_t count, size_t size)
{
	for (size_t i = 0; i < count; i++) {
		blocks[i] = i % 2 ? calloc(1, size) : calloc(size, 1);
		CHECK(blocks[i]);
		CHECK_THAT(all_zero(blocks[i], size), "calloc of %zu bytes is not zero",
			   size);
		memset(blocks[i], 0x5a, size);
	}
	for (size_t i = 0; i < count; i++)
		free(blocks[i]);
}

static void recycled_blocks_of_every_class_are_zero(void)
{
	static void *blocks[MOST_BLOCKS];
	size_t sizes[SIZE_CLASSES_ROOM];
	size_t count = size_classes_find(sizes, 2 * MIB);

	for (size_t i = 0; i < count; i++) {
		dirty(blocks, blocks_of(sizes[i]), sizes[i]);
		expect_zeros(blocks, blocks_of(sizes[i]), sizes[i]);
		expect_zeros(blocks, blocks_of(sizes[i]), sizes[i]);
		expect_zeros(blocks, 4, sizes[i] - 1);
	}
}

/* The memory of one class becomes that of another when its slabs are empty. */
static void memory_that_changes_its_class_is_zero(void)
{
	static void *blocks[MOST_BLOCKS];
	size_t sizes[SIZE_CLASSES_ROOM];
	size_t count = size_classes_find(sizes, 2 * MIB);
	uint64_t state = 7;

	for (size_t round = 0; round < 300; round++) {
		size_t dirtied = sizes[random_next(&state) % count];
		size_t wanted = sizes[random_next(&state) % count];

		dirty(blocks, blocks_of(dirtied), dirtied);
		expect_zeros(blocks, blocks_of(wanted), wanted);
		if (round % 50 == 0)
			malloc_trim(0);
	}
}

static void recycled_large_blocks_are_zero(void)
{
	for (size_t size = MIB - 4096; size <= 96 * MIB; size += size / 3) {
		void *blocks[2];

		dirty(blocks, 1, size);
		expect_zeros(blocks, 1, size);
		expect_zeros(blocks, 1, size / 2);
		malloc_trim(0);
		expect_zeros(blocks, 1, size + 100000);
	}
}

/* A table of which little is used; one that is used whole is as good. */
static void a_huge_recycled_block_is_not_made_resident(void)
{
	size_t size = 128 * MIB, before;
	char *block = malloc(size);

	CHECK(block);
	block[size / 2] = 1;
	free(block);
	before = resident_bytes();
	for (int round = 0; round < 3; round++) {
		block = calloc(1, size);
		CHECK(block && !block[size / 2]);
		block[size / 2] = 1;
		CHECK_THAT(resident_bytes() < before + 8 * MIB, "%zu MiB more are resident",
			   (resident_bytes() - before) / MIB);
		CHECK(all_zero(block, size / 2));
		free(block);
		malloc_trim(0);
	}
}

/* The tail that a shrinking realloc gives back, the old place of a moving one. */
static void memory_left_by_realloc_is_zero(void)
{
	for (size_t size = 64 * KIB; size <= 80 * MIB; size *= 3) {
		char *block = malloc(size), *again;

		CHECK(block);
		memset(block, 0xa5, size);
		block = realloc(block, size / 4);
		again = calloc(1, size / 2);
		CHECK(block && again && all_zero(again, size / 2));
		block = realloc(block, size * 2);
		CHECK(block);
		memset(block, 0x5a, size * 2);
		free(again);
		again = calloc(size / 8, 2);
		CHECK(again && all_zero(again, size / 8 * 2));
		free(again);
		free(block);
		again = calloc(size, 2);
		CHECK(again && all_zero(again, size * 2));
		free(again);
	}
}

static void blocks_after_a_fork_are_zero_in_both(void)
{
	static void *blocks[MOST_BLOCKS];
	static const size_t sizes[] = { 48, 700, 3000, 8000, 40000, 300000, 5000000 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		int pid;

		dirty(blocks, blocks_of(sizes[i]), sizes[i]);
		pid = fork();
		expect_zeros(blocks, blocks_of(sizes[i]), sizes[i]);
		if (pid == 0)
			_exit(0);
		expect_success(pid);
		expect_zeros(blocks, blocks_of(sizes[i]), sizes[i]);
	}
}

static void products_are_zero_to_their_last_byte(void)
{
	void *blocks[8];

	for (size_t count = 1; count <= 3000; count = count * 3 / 2 + 1) {
		for (size_t size = 1; size <= 3000; size = size * 3 / 2 + 1) {
			char *block;

			dirty(blocks, 2, count * size);
			block = calloc(count, size);
			CHECK(block && malloc_usable_size(block) >= count * size);
			CHECK(all_zero(block, count * size));
			free(block);
		}
	}
}

static const struct contract_case cases[] = {
	CASE(recycled_blocks_of_every_class_are_zero),
	CASE(memory_that_changes_its_class_is_zero),
	CASE(recycled_large_blocks_are_zero),
	CASE(a_huge_recycled_block_is_not_made_resident),
	CASE(memory_left_by_realloc_is_zero),
	CASE(blocks_after_a_fork_are_zero_in_both),
	CASE(products_are_zero_to_their_last_byte),
};

CONTRACT_MAIN(cases)
