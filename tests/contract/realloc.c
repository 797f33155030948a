/* SPDX-License-Identifier: MIT */
/*
 * realloc keeps the contents: from every size class to every other, of large blocks that
 * grow in place or move, and at the edges 0 and NULL.
 */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void check_move(size_t from, size_t to, uint64_t tag)
{
	char *neighbour, *block = malloc(from);

	CHECK(block);
	pattern_write(block, from, tag);
	neighbour = malloc(from);
	CHECK(neighbour);
	pattern_write(neighbour, from, ~tag);
	block = realloc(block, to);
	CHECK_THAT(block && malloc_usable_size(block) >= to, "realloc %zu to %zu failed",
		   from, to);
	CHECK_THAT(pattern_holds(block, smaller(from, to), tag),
		   "realloc from %zu to %zu lost the contents", from, to);
	/* the whole of the new block is its own */
	pattern_write(block, malloc_usable_size(block), tag);
	CHECK_THAT(pattern_holds(neighbour, from, ~tag),
		   "realloc from %zu to %zu overwrote a neighbour", from, to);
	free(neighbour);
	free(block);
}

static void every_class_to_every_class_to_64_kib_keeps_the_contents(void)
{
	size_t sizes[SIZE_CLASSES_ROOM];
	size_t count = size_classes_find(sizes, 64 * KIB);

	CHECK(count > 8);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < count; j++)
			check_move(sizes[i], sizes[j], i * count + j);
}

static void every_class_to_every_class_above_64_kib_keeps_the_contents(void)
{
	size_t sizes[SIZE_CLASSES_ROOM];
	size_t count = size_classes_find(sizes, 2 * MIB);
	size_t first = 0;

	while (first < count && sizes[first] < 32 * KIB)
		first++;
	CHECK(count - first > 3);
	for (size_t i = first; i < count; i++) {
		for (size_t j = first; j < count; j++) {
			check_move(sizes[i], sizes[j], i);
			check_move(sizes[i] - 1, sizes[j] - 100, j);
		}
		check_move(sizes[i], 10, i);
		check_move(10, sizes[i], i);
	}
}

static void growing_byte_by_byte_keeps_the_contents(void)
{
	unsigned char *block = NULL;

	for (size_t size = 1; size <= 20000; size++) {
		block = realloc(block, size);
		CHECK(block);
		block[size - 1] = (unsigned char)(size * 7);
	}
	for (size_t size = 20000; size >= 1; size--) {
		CHECK_THAT(block[size - 1] == (unsigned char)(size * 7), "byte %zu",
			   size - 1);
		block = realloc(block, size);
		CHECK(block);
	}
	free(block);
}

static void realloc_of_null_is_malloc(void)
{
	for (size_t size = 0; size <= 4 * MIB; size += size < 9000 ? 1 : size / 11) {
		char *block = realloc(hidden(NULL), size);

		CHECK(block && malloc_usable_size(block) >= size);
		memset(block, 0x5a, size);
		free(block);
	}
}

/* NULL and a block are both allowed as answers; a leak is not. */
static void realloc_to_zero_frees_the_block(void)
{
	static const size_t sizes[] = { 24, 500, 5000, 50000, 500000, 5000000 };
	struct rounds rounds = { .most = 30000 };
	size_t before = 0;

	while (next_round(&rounds)) {
		size_t size = sizes[rounds.count % (sizeof(sizes) / sizeof(*sizes))];
		/*
		 * where large blocks get new pages each time (hardened), a sixteenth of them tells
		 */
		size_t step = size > 64 * KIB ? 64 * KIB : 4096;
		char *block = malloc(size);

		if (rounds.count <= 100)
			before = resident_bytes();
		CHECK(block);
		for (size_t i = 0; i < size; i += step)
			block[i] = 1;
		free(realloc(block, hidden_size(0)));
	}
	CHECK_THAT(resident_bytes() < before + 64 * MIB, "%zu MiB more are resident",
		   (resident_bytes() - before) / MIB);
}

/* Large blocks are checked by a stamp in each page: whole pages move, or none. */
enum { STAMP_STEP = 4096 };

static void stamp(char *block, size_t from, size_t to, uint64_t tag)
{
	for (size_t i = from; i + sizeof(tag) <= to; i += STAMP_STEP) {
		uint64_t word = tag + i;

		memcpy(block + i, &word, sizeof(word));
	}
}

static void check_stamps(const char *block, size_t size, uint64_t tag)
{
	for (size_t i = 0; i + sizeof(tag) <= size; i += STAMP_STEP) {
		uint64_t word;

		memcpy(&word, block + i, sizeof(word));
		CHECK_THAT(word == tag + i, "byte %zu of %zu has changed", i, size);
	}
}

/* Resizes through the list of sizes; with neighbours, most steps must move the block. */
static void resize_through(const size_t *sizes, size_t count, bool with_neighbours)
{
	char *block = malloc(sizes[0]), *neighbours[64] = { NULL };

	CHECK(block && count <= 64);
	stamp(block, 0, sizes[0], 0);
	for (size_t i = 1; i < count; i++) {
		size_t kept = smaller(sizes[i - 1], sizes[i]);

		if (with_neighbours) {
			neighbours[i] = malloc(2 * MIB);
			CHECK(neighbours[i]);
			stamp(neighbours[i], 0, 2 * MIB, i);
		}
		block = realloc(block, sizes[i]);
		CHECK_THAT(block != NULL, "no realloc to %zu MiB", sizes[i] / MIB);
		check_stamps(block, kept, 0);
		stamp(block, kept / STAMP_STEP * STAMP_STEP, sizes[i], 0);
		block[sizes[i] - 1] = 1;
		stamp(block, 0, sizes[i], 0);
	}
	for (size_t i = 0; i < 64; i++) {
		if (neighbours[i])
			check_stamps(neighbours[i], 2 * MIB, i);
		free(neighbours[i]);
	}
	free(block);
}

static const size_t way[] = {
	1 * MIB + 1, 2 * MIB, 3 * MIB + 5000, 8 * MIB, 8 * MIB + 1, 20 * MIB, 31 * MIB,
	32 * MIB, 33 * MIB, 64 * MIB + 100, 100 * MIB, 128 * MIB, 200 * MIB, 256 * MIB,
	255 * MIB, 130 * MIB, 64 * MIB, 33 * MIB, 32 * MIB, 5 * MIB, 40 * MIB, 2 * MIB,
	1 * MIB, 70 * MIB, 600 * KIB, 6 * MIB, 100 * KIB, 36 * MIB, 5000, 2 * MIB,
};

static void large_blocks_resized_alone_keep_the_contents(void)
{
	resize_through(way, sizeof(way) / sizeof(*way), false);
}

static void large_blocks_resized_between_others_keep_the_contents(void)
{
	resize_through(way, sizeof(way) / sizeof(*way), true);
}

static void what_a_large_block_leaves_can_be_had_again(void)
{
	struct rounds rounds = { .most = 60 };
	size_t before = 0;

	while (next_round(&rounds)) {
		size_t round = rounds.count;
		char *block = malloc(3 * MIB), *wall = malloc(2 * MIB);

		CHECK(block && wall);
		stamp(block, 0, 3 * MIB, round);
		stamp(wall, 0, 2 * MIB, ~round);
		block = realloc(block, 48 * MIB);
		CHECK(block);
		check_stamps(block, 3 * MIB, round);
		stamp(block, 0, 48 * MIB, round);
		block = realloc(block, 64 * MIB + round * 4096);
		CHECK(block);
		check_stamps(block, 48 * MIB, round);
		check_stamps(wall, 2 * MIB, ~round);
		free(block);
		free(wall);
		if (round <= 10)
			before = resident_bytes();
	}
	CHECK_THAT(resident_bytes() < before + 160 * MIB, "%zu MiB grew to %zu",
		   before / MIB, resident_bytes() / MIB);
}

static const struct contract_case cases[] = {
	CASE(every_class_to_every_class_to_64_kib_keeps_the_contents),
	CASE(every_class_to_every_class_above_64_kib_keeps_the_contents),
	CASE(growing_byte_by_byte_keeps_the_contents),
	CASE(realloc_of_null_is_malloc),
	CASE(realloc_to_zero_frees_the_block),
	CASE(large_blocks_resized_alone_keep_the_contents),
	CASE(large_blocks_resized_between_others_keep_the_contents),
	CASE(what_a_large_block_leaves_can_be_had_again),
};

CONTRACT_MAIN(cases)
