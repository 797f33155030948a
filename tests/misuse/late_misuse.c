/* SPDX-License-Identifier: MIT */
/*
 * What free cannot see at once without paying for it: a pointer inside a block, and a
 * block freed twice with others in between. Seen when the blocks leave the thread's
 * cache: because it is full, or because the thread ends. Pointers inside a large block,
 * and those given to realloc, are seen at once.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"
#include "tests/misuse/misuse.h"

enum {
	/* twice what all caches together may hold */
	FLUSH_BYTES = 64 << 20,
	MISUSES = 8,
	BETWEEN = 3,
};

struct deed {
	void (*commit)(char **blocks, size_t victim);
	size_t bytes;
	bool end_thread;
};

/* What messages call the class: asked while the blocks live. */
static size_t class_bytes;

static char **take_blocks(size_t count, size_t size)
{
	char **blocks = malloc(count * sizeof(*blocks));

	CHECK(blocks);
	for (size_t i = 0; i < count; i++)
		CHECK((blocks[i] = malloc(size)));
	class_bytes = class_of(blocks[0]);
	return blocks;
}

/*
 * Frees all blocks in order; eight of them, spread evenly so that it does not matter
 * which end of a cache is flushed first, are misused on the way.
 */
static void *free_all_with(void *data)
{
	const struct deed *deed = data;
	size_t size = announced_size(), count = deed->bytes / size;
	size_t step = count / MISUSES;
	char **blocks = take_blocks(count, size);

	CHECK(step > BETWEEN);
	for (size_t i = 0; i < count; i++) {
		if (deed->commit && i % step == step - 1)
			deed->commit(blocks, i - BETWEEN);
		if (blocks[i])
			free(hidden(blocks[i]));
	}
	if (!deed->end_thread)
		_exit(0);
	return NULL;
}

static void commit_deed(void (*commit)(char **, size_t), size_t bytes, bool end_thread)
{
	struct deed deed = { commit, bytes, end_thread };
	pthread_t thread;

	start_thread(&thread, NULL, free_all_with, &deed);
	CHECK(!pthread_join(thread, NULL));
}

static size_t bytes_of_short_life(void)
{
	size_t least = announced_size() * MISUSES * (BETWEEN + 1);

	return least > FLUSH_BYTES / 16 ? least : FLUSH_BYTES / 16;
}

/*
 * The block was freed BETWEEN frees ago. That makes a ring of the list that they are in,
 * and a ring does not tell which of its blocks came twice: each of them may be named.
 */
static void free_again(char **blocks, size_t victim)
{
	for (size_t i = 0; i < BETWEEN; i++)
		announce("double free of %p (size class %zu)", (void *)blocks[victim + i],
			 class_bytes);
	free(hidden(blocks[victim]));
}

static void part_double_free_then_flush(void)
{
	commit_deed(free_again, FLUSH_BYTES, false);
}

static void part_double_free_then_end(void)
{
	commit_deed(free_again, bytes_of_short_life(), true);
}

static void late_double_frees_abort_when_the_cache_is_full(void)
{
	need_threads();
	expect_abort_in_some_classes("part_double_free_then_flush");
}

static void late_double_frees_abort_when_the_thread_ends(void)
{
	need_threads();
	expect_abort_in_some_classes("part_double_free_then_end");
}

/* Frees the middle of a live block that is still to come, and never the block itself. */
static void free_inside(char **blocks, size_t victim)
{
	size_t later = victim + BETWEEN;
	size_t offset = later % 3 == 0 ? 16 :
			later % 3 == 1 ? class_bytes / 32 * 16 : class_bytes - 16;

	announce("free of %p, which lies inside the block at %p (size class %zu)",
		 (void *)(blocks[later] + offset), (void *)blocks[later], class_bytes);
	free(hidden(blocks[later] + offset));
	blocks[later] = NULL;
}

static void part_inside_then_flush(void)
{
	commit_deed(free_inside, FLUSH_BYTES, false);
}

static void part_inside_then_end(void)
{
	commit_deed(free_inside, bytes_of_short_life(), true);
}

static void pointers_inside_a_block_abort_when_the_cache_is_full(void)
{
	need_threads();
	expect_abort_in_some_classes("part_inside_then_flush");
}

static void pointers_inside_a_block_abort_when_the_thread_ends(void)
{
	need_threads();
	expect_abort_in_some_classes("part_inside_then_end");
}

/* The same frees without the misuse: what must not abort. */
static void part_frees_only(void)
{
	commit_deed(NULL, FLUSH_BYTES, true);
}

static void frees_alone_are_no_misuse(void)
{
	static const char *const sizes[] = { "32", "1000", "8192", "65536", "1048576" };
	static struct child child;

	need_threads();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		child_run_case(&child, "part_frees_only", sizes[i], NULL);
		CHECK_THAT(child_succeeded(&child), "%s bytes: %s", sizes[i],
			   child.errors);
	}
}

/* --- at once --- */

static char *announce_inside(const char *verb, size_t offset)
{
	size_t size = announced_size();
	char *block = malloc(size);

	CHECK(block);
	if (class_of(block) > MIB)
		announce("%s of %p, which lies inside a large block", verb,
			 (void *)(block + offset));
	else
		announce("%s of %p, which lies inside the block at %p (size class %zu)",
			 verb, (void *)(block + offset), (void *)block, class_of(block));
	return block + offset;
}

static size_t middle(void)
{
	return announced_size() / 2 & ~(size_t)15;
}

static void part_free_16_bytes_inside(void)
{
	free(hidden(announce_inside("free", 16)));
}

static void part_free_in_the_middle(void)
{
	free(hidden(announce_inside("free", middle())));
}

static void part_realloc_in_the_middle(void)
{
	hidden(realloc(hidden(announce_inside("realloc", middle())), hidden_size(100)));
}

static void part_usable_size_in_the_middle(void)
{
	hidden_size(malloc_usable_size(
		hidden(announce_inside("malloc_usable_size", middle()))));
}

static void pointers_inside_a_large_block_abort(void)
{
	static const char *const sizes[] = { "1048577", "2097152", "5000000", "33554432",
					     "100000000" };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		expect_abort("part_free_16_bytes_inside", sizes[i]);
		expect_abort("part_free_in_the_middle", sizes[i]);
		expect_abort("part_realloc_in_the_middle", sizes[i]);
		expect_abort("part_usable_size_in_the_middle", sizes[i]);
	}
}

static void realloc_of_a_pointer_inside_a_block_aborts(void)
{
	expect_abort_in_some_classes("part_realloc_in_the_middle");
	expect_abort_in_some_classes("part_usable_size_in_the_middle");
}

static const struct contract_case cases[] = {
	CASE(late_double_frees_abort_when_the_cache_is_full),
	CASE(late_double_frees_abort_when_the_thread_ends),
	CASE(pointers_inside_a_block_abort_when_the_cache_is_full),
	CASE(pointers_inside_a_block_abort_when_the_thread_ends),
	CASE(frees_alone_are_no_misuse),
	CASE(pointers_inside_a_large_block_abort),
	CASE(realloc_of_a_pointer_inside_a_block_aborts),
	CASE_PART(part_double_free_then_flush),
	CASE_PART(part_double_free_then_end),
	CASE_PART(part_inside_then_flush),
	CASE_PART(part_inside_then_end),
	CASE_PART(part_frees_only),
	CASE_PART(part_free_16_bytes_inside),
	CASE_PART(part_free_in_the_middle),
	CASE_PART(part_realloc_in_the_middle),
	CASE_PART(part_usable_size_in_the_middle),
};

CONTRACT_MAIN(cases)
