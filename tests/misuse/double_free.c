/* SPDX-License-Identifier: MIT */
/*
 * A block that is freed twice with nothing in between: by free, by realloc, by the thread
 * that it belongs to and by another. The message and the end, at once.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"
#include "tests/misuse/misuse.h"

static void announce_double_free(void *block)
{
	if (class_of(block) > MIB)
		announce("double free of %p (large block)", block);
	else
		announce("double free of %p (size class %zu)", block, class_of(block));
}

static void part_free_twice(void)
{
	void *block = malloc(announced_size());

	announce_double_free(block);
	free(hidden(block));
	free(hidden(block));
}

static void freeing_twice_at_once_aborts_in_every_class(void)
{
	expect_abort_in_every_class("part_free_twice");
	expect_abort("part_free_twice", "0");
}

static void freeing_a_large_block_twice_aborts(void)
{
	expect_abort("part_free_twice", "1048577");
	expect_abort("part_free_twice", "5000000");
	expect_abort("part_free_twice", "34000000");
	expect_abort("part_free_twice", "300000000");
}

/* In a heap in use: the class has other blocks, live and free. */
static void part_free_twice_among_others(void)
{
	enum { OTHERS = 50 };
	void *others[OTHERS], *block;

	for (size_t i = 0; i < OTHERS; i++)
		others[i] = malloc(announced_size());
	block = malloc(announced_size());
	for (size_t i = 0; i < OTHERS; i += 2)
		free(others[i]);
	announce_double_free(block);
	free(hidden(block));
	free(hidden(block));
}

static void freeing_twice_in_a_heap_in_use_aborts(void)
{
	expect_abort_in_every_class("part_free_twice_among_others");
	expect_abort("part_free_twice_among_others", "3000000");
}

/* What glibc's fast bins once let pass: a, b, a. */
static void part_free_twice_with_another_between(void)
{
	void *block = malloc(announced_size()), *other = malloc(announced_size());

	announce_double_free(block);
	free(hidden(block));
	free(hidden(other));
	free(hidden(block));
}

static void freeing_twice_with_another_between_aborts(void)
{
	static const char *const sizes[] = { "0", "16", "64", "500", "4000", "8000", "20000" };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		expect_abort("part_free_twice_with_another_between", sizes[i]);
}

/* The old place of a block that realloc moved is free already. */
static void part_free_after_realloc(void)
{
	size_t size = announced_size();
	void *block = malloc(size), *wall = malloc(size), *moved;

	CHECK(block && wall);
	announce_double_free(block);
	moved = realloc(hidden(block), size * 3 + 100);
	CHECK(moved);
	if (moved == block)
		contract_skip("realloc did not move the block");
	free(hidden(block));
}

static void freeing_what_realloc_moved_aborts(void)
{
	expect_abort_in_some_classes("part_free_after_realloc");
	expect_abort("part_free_after_realloc", "3000000");
}

static void part_realloc_after_free(void)
{
	size_t size = announced_size();
	void *block = malloc(size), *wall = malloc(size);

	CHECK(block && wall);
	announce_double_free(block);
	free(hidden(block));
	hidden(realloc(hidden(block), size * 3 + 100));
}

static void realloc_of_a_freed_block_to_another_class_aborts(void)
{
	expect_abort_in_some_classes("part_realloc_after_free");
	expect_abort("part_realloc_after_free", "3000000");
}

static void part_realloc_to_zero_and_free(void)
{
	void *block = malloc(announced_size());

	announce_double_free(block);
	if (realloc(hidden(block), hidden_size(0)))
		contract_skip("realloc to zero gives a block here");
	free(hidden(block));
}

static void freeing_what_realloc_to_zero_freed_aborts(void)
{
	void *answer = realloc(malloc(100), hidden_size(0));

	if (answer)
		contract_skip("realloc to zero gives a block here");
	expect_abort_in_some_classes("part_realloc_to_zero_and_free");
}

/* Its neighbours are free when it is freed: what is free becomes one piece. */
static void part_free_twice_between_free_blocks(void)
{
	enum { NEIGHBOURS = 9 };
	void *blocks[NEIGHBOURS];

	for (size_t i = 0; i < NEIGHBOURS; i++)
		CHECK((blocks[i] = malloc(announced_size())));
	announce_double_free(blocks[NEIGHBOURS / 2]);
	for (size_t i = 0; i < NEIGHBOURS; i++)
		if (i != NEIGHBOURS / 2)
			free(hidden(blocks[i]));
	free(hidden(blocks[NEIGHBOURS / 2]));
	free(hidden(blocks[NEIGHBOURS / 2]));
}

static void freeing_twice_between_free_blocks_aborts(void)
{
	expect_abort_in_some_classes("part_free_twice_between_free_blocks");
	expect_abort("part_free_twice_between_free_blocks", "1048577");
	expect_abort("part_free_twice_between_free_blocks", "3000000");
	expect_abort("part_free_twice_between_free_blocks", "40000000");
}

static void *free_twice(void *block)
{
	free(hidden(block));
	free(hidden(block));
	return NULL;
}

static void part_free_twice_by_another_thread(void)
{
	void *block = malloc(announced_size());
	pthread_t thread;

	announce_double_free(block);
	start_thread(&thread, NULL, free_twice, block);
	CHECK(!pthread_join(thread, NULL));
}

static void freeing_twice_in_a_thread_that_is_not_the_owner_aborts(void)
{
	need_threads();
	expect_abort_in_every_class("part_free_twice_by_another_thread");
	expect_abort("part_free_twice_by_another_thread", "3000000");
}

static void part_free_twice_an_aligned_block(void)
{
	size_t size = announced_size();
	void *block = memalign(size, size);

	announce_double_free(block);
	free(hidden(block));
	free(hidden(block));
}

static void freeing_an_aligned_block_twice_aborts(void)
{
	expect_abort("part_free_twice_an_aligned_block", "64");
	expect_abort("part_free_twice_an_aligned_block", "4096");
	expect_abort("part_free_twice_an_aligned_block", "65536");
	expect_abort("part_free_twice_an_aligned_block", "4194304");
}

/* The same calls in the right order: what must not abort. */
static void freeing_once_is_no_misuse(void)
{
	for (size_t round = 0; round < 2000; round++) {
		for (size_t size = 1; size <= 8 * MIB; size = size * 3 + 1) {
			void *first = malloc(size), *second;

			free(hidden(first));
			second = malloc(size);
			free(hidden(second));
		}
	}
}

static const struct contract_case cases[] = {
	CASE(freeing_twice_at_once_aborts_in_every_class),
	CASE(freeing_a_large_block_twice_aborts),
	CASE(freeing_twice_in_a_heap_in_use_aborts),
	CASE(freeing_twice_between_free_blocks_aborts),
	CASE(freeing_twice_with_another_between_aborts),
	CASE(freeing_what_realloc_moved_aborts),
	CASE(realloc_of_a_freed_block_to_another_class_aborts),
	CASE(freeing_what_realloc_to_zero_freed_aborts),
	CASE(freeing_twice_in_a_thread_that_is_not_the_owner_aborts),
	CASE(freeing_an_aligned_block_twice_aborts),
	CASE(freeing_once_is_no_misuse),
	CASE_PART(part_free_twice),
	CASE_PART(part_free_twice_among_others),
	CASE_PART(part_free_twice_between_free_blocks),
	CASE_PART(part_free_twice_with_another_between),
	CASE_PART(part_free_after_realloc),
	CASE_PART(part_realloc_after_free),
	CASE_PART(part_realloc_to_zero_and_free),
	CASE_PART(part_free_twice_by_another_thread),
	CASE_PART(part_free_twice_an_aligned_block),
};

CONTRACT_MAIN(cases)
