/* SPDX-License-Identifier: MIT */
/*
 * A free that says how large the block is, and is wrong: reported, a few times, and the block
 * is freed. Nothing that can be right is reported.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"
#include "tests/misuse/misuse.h"

enum { REPORTED = 8 };

static void part_wrong(void)
{
	size_t size = announced_size();
	char *larger = malloc(size), *smaller = malloc(size);

	announce("free of %p as %zu bytes, which is a block of %zu", (void *)larger,
		 2 * class_of(larger), class_of(larger));
	announce("free of %p as %zu bytes, which is a block of %zu", (void *)smaller,
		 size / 3, class_of(smaller));
	free_as(hidden(larger), 2 * class_of(larger));
	free_as(hidden(smaller), size / 3);
}

static void a_wrong_size_is_reported_and_the_block_freed(void)
{
	static const char *const sizes[] = { "100", "1000", "8000", "50000", "500000" };
	static struct child child;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		child_run_case(&child, "part_wrong", sizes[i], NULL);
		CHECK_THAT(child_succeeded(&child), "%s: %s", sizes[i], child.errors);
		CHECK_THAT(!strcmp(child.errors, child.output), "expected: %sfound: %s",
			   child.output, child.errors);
	}
}

static void part_many(void)
{
	for (size_t i = 0; i < 100; i++)
		free_as(hidden(malloc(100)), 1000);
}

static void the_log_is_not_flooded(void)
{
	static struct child child;
	size_t lines = 0;

	child_run_case(&child, "part_many", NULL, NULL);
	CHECK(child_succeeded(&child));
	for (const char *at = child.errors; *at; at++)
		lines += *at == '\n';
	CHECK_THAT(lines == REPORTED, "%zu lines", lines);
}

static void *free_right(void *block)
{
	free_as(hidden(block), 777);
	return NULL;
}

static void part_right(void)
{
	pthread_t thread;

	free_as(NULL, 10);
	for (size_t size = 0; size < 3 * MIB; size += size / 5 + 1) {
		free_as(hidden(malloc(size)), size);
		free_as(hidden(calloc(1, size)), size);
		free_as(hidden(realloc(hidden(malloc(size / 2)), size + 1)), size + 1);
		/* in place: as large as it was */
		free_as(hidden(realloc(hidden(malloc(2 * size + 2)), size + 1)), size + 1);
	}
	start_thread(&thread, NULL, free_right, malloc(777));
	CHECK(!pthread_join(thread, NULL));
}

static void a_right_size_is_not_reported(void)
{
	static struct child child;

	need_threads();
	child_run_case(&child, "part_right", NULL, NULL);
	CHECK_THAT(child_succeeded(&child) && !child.errors[0], "%s", child.errors);
}

static const struct contract_case cases[] = {
	CASE(a_wrong_size_is_reported_and_the_block_freed),
	CASE(the_log_is_not_flooded),
	CASE(a_right_size_is_not_reported),
	CASE_PART(part_wrong),
	CASE_PART(part_many),
	CASE_PART(part_right),
};

CONTRACT_MAIN(cases)
