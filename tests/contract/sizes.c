/* SPDX-License-Identifier: MIT */
/*
 * Blocks of every size: large enough, writable to the last usable byte, apart from each
 * other, and free without a trace in errno. Catches a wrong table of size classes.
 */
#include <errno.h>
#include <malloc.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"

enum { EVERY_SIZE_TO = 9000, HELD = 6 };

static int compare_addresses(const void *left, const void *right)
{
	const char *const *a = left, *const *b = right;

	return (*a > *b) - (*a < *b);
}

/* Holds all the blocks at once; the usable bytes of each are its own. */
static void every_size_to_9000_is_writable_to_its_last_usable_byte(void)
{
	static char *blocks[EVERY_SIZE_TO + 1];

	for (size_t size = 0; size <= EVERY_SIZE_TO; size++) {
		blocks[size] = malloc(size);
		CHECK_THAT(blocks[size] != NULL, "malloc(%zu) failed", size);
		CHECK(malloc_usable_size(blocks[size]) >= size);
		pattern_write(blocks[size], malloc_usable_size(blocks[size]), size);
	}
	for (size_t size = 0; size <= EVERY_SIZE_TO; size++) {
		CHECK_THAT(pattern_holds(blocks[size], malloc_usable_size(blocks[size]),
					 size),
			   "the block of %zu bytes was overwritten", size);
		free(blocks[size]);
	}
}

static void check_size(size_t size)
{
	char *held[HELD];
	size_t usable;

	for (size_t i = 0; i < HELD; i++) {
		held[i] = malloc(size);
		CHECK_THAT(held[i] != NULL, "malloc(%zu) failed", size);
		usable = malloc_usable_size(held[i]);
		CHECK_THAT(usable >= size, "malloc(%zu) has %zu bytes", size, usable);
		/* both ends, so that the largest need not all be resident */
		pattern_write(held[i], usable < 8192 ? usable : 8192, size + i);
		if (usable > 8192)
			pattern_write(held[i] + usable - 64, 64, size + i);
	}
	qsort(held, HELD, sizeof(*held), compare_addresses);
	for (size_t i = 0; i + 1 < HELD; i++)
		CHECK_THAT(held[i] + malloc_usable_size(held[i]) <= held[i + 1],
			   "two blocks of %zu bytes overlap: %p %p", size, held[i],
			   held[i + 1]);
	for (size_t i = 0; i < HELD; i++)
		free(held[i]);
}

static void sizes_around_every_power_of_two_to_64_mib_are_whole(void)
{
	for (size_t power = 16; power <= 64 * MIB; power *= 2) {
		for (size_t delta = 0; delta <= 9; delta++) {
			check_size(power - delta);
			check_size(power + delta);
		}
		check_size(power + power / 2);
		check_size(power + power / 4 - 1);
	}
}

static void usable_bytes_of_every_function_are_writable(void)
{
	for (size_t size = 0; size <= 2 * MIB; size += size < 5000 ? 11 : size / 5) {
		void *blocks[] = { calloc(1, size),	 calloc(size, 1),
				   realloc(NULL, size),	 reallocarray(NULL, size, 1),
				   memalign(16, size),	 memalign(64, size),
				   memalign(4096, size), valloc(size) };
		size_t count = sizeof(blocks) / sizeof(*blocks);

		for (size_t i = 0; i < count; i++) {
			CHECK(blocks[i]);
			CHECK(malloc_usable_size(blocks[i]) >= size);
			pattern_write(blocks[i], malloc_usable_size(blocks[i]), i);
		}
		for (size_t i = 0; i < count; i++) {
			CHECK(pattern_holds(blocks[i], malloc_usable_size(blocks[i]), i));
			free(blocks[i]);
		}
	}
}

static void usable_size_of_null_is_zero(void)
{
	CHECK(malloc_usable_size(NULL) == 0);
}

static void blocks_of_zero_bytes_are_distinct_and_freeable(void)
{
	enum { COUNT = 3000 };
	static char *blocks[COUNT];

	for (size_t round = 0; round < 20; round++) {
		for (size_t i = 0; i < COUNT; i++) {
			blocks[i] = i % 3 == 0 ? malloc(hidden_size(0)) :
				    i % 3 == 1 ? calloc(hidden_size(0), 8) :
						 realloc(NULL, hidden_size(0));
			CHECK(blocks[i]);
		}
		qsort(blocks, COUNT, sizeof(*blocks), compare_addresses);
		for (size_t i = 0; i + 1 < COUNT; i++)
			CHECK(blocks[i] != blocks[i + 1]);
		for (size_t i = 0; i < COUNT; i++)
			free(blocks[i]);
	}
}

static void free_keeps_errno(void)
{
	size_t sizes[SIZE_CLASSES_ROOM];
	size_t count = size_classes_find(sizes, MIB);

	errno = 1234;
	free(hidden(NULL));
	CHECK(errno == 1234);
	for (size_t i = 0; i < count; i++) {
		enum { MANY = 200 };
		void *blocks[MANY];

		/* enough of them for a cache to overflow and slabs to become empty */
		for (size_t j = 0; j < MANY; j++)
			CHECK((blocks[j] = malloc(sizes[i])));
		errno = 1234;
		for (size_t j = 0; j < MANY; j++)
			free(blocks[j]);
		CHECK_THAT(errno == 1234, "free of %zu bytes set errno %d", sizes[i],
			   errno);
	}
	for (size_t size = 2 * MIB; size <= 512 * MIB; size *= 2) {
		void *block = malloc(size);

		CHECK(block);
		errno = 1234;
		free(block);
		CHECK_THAT(errno == 1234, "free of %zu bytes set errno %d", size, errno);
	}
}

static void success_leaves_errno_alone(void)
{
	errno = 1234;
	for (size_t size = 0; size <= 8 * MIB; size += size < 9000 ? 1 : size / 9) {
		void *block = malloc(size);

		CHECK(block && errno == 1234);
		block = realloc(block, size * 2 + 1);
		CHECK(block && errno == 1234);
		free(block);
		block = calloc(1, size);
		CHECK(block && errno == 1234);
		free(block);
	}
}

/* Behind 16 MiB a helper is wanted, and what must be known for it cannot be read. */
static void success_leaves_errno_alone_where_nothing_can_be_opened(void)
{
	struct rlimit none = { 0, 0 };

	CHECK(!setrlimit(RLIMIT_NOFILE, &none));
	errno = 1234;
	for (size_t bytes = 0; bytes < 64 * MIB; bytes += 4000) {
		CHECK(malloc(4000));
		CHECK_THAT(errno == 1234, "after %zu bytes errno is %d", bytes, errno);
	}
}

/* Takes and returns some MiB of one size; one byte in every page is written. */
static void churn(size_t size)
{
	enum { MOST = 1 << 18 };
	static char *blocks[MOST];
	size_t count = 4 * MIB / size;

	count = count > MOST ? MOST : count < 2 ? 2 : count;
	for (size_t i = 0; i < count; i++) {
		CHECK((blocks[i] = malloc(size)));
		for (size_t j = 0; j < size; j += 4096)
			blocks[i][j] = 1;
	}
	for (size_t i = 0; i < count; i++)
		free(blocks[i]);
}

/* Who is moved to another node takes memory there, and leaves what it freed where it was. */
static void stay_on_this_processor(void)
{
	cpu_set_t this;

	CPU_ZERO(&this);
	CPU_SET((size_t)sched_getcpu(), &this);
	/* Refused: then it may be moved, which matters on few machines. */
	sched_setaffinity(0, sizeof(this), &this);
}

/* The rounds after the first may need a little more; a tenth of them lost is too much. */
static void what_is_freed_is_used_again_in_every_class(void)
{
	size_t sizes[SIZE_CLASSES_ROOM];
	size_t count = size_classes_find(sizes, 3 * MIB);

	stay_on_this_processor();
	for (size_t size = 3 * MIB; size < 80 * MIB; size = size * 5 / 3)
		sizes[count++] = size;
	for (size_t i = 0; i < count; i++) {
		size_t before;

		churn(sizes[i]);
		before = resident_bytes();
		for (size_t j = 0; j < 12; j++)
			churn(sizes[i]);
		CHECK_THAT(resident_bytes() <= before + 5 * MIB,
			   "%zu bytes: %zu KiB more", sizes[i],
			   (resident_bytes() - before) / KIB);
	}
}

static const struct contract_case cases[] = {
	CASE(every_size_to_9000_is_writable_to_its_last_usable_byte),
	CASE(sizes_around_every_power_of_two_to_64_mib_are_whole),
	CASE(usable_bytes_of_every_function_are_writable),
	CASE(usable_size_of_null_is_zero),
	CASE(blocks_of_zero_bytes_are_distinct_and_freeable),
	CASE(free_keeps_errno),
	CASE(success_leaves_errno_alone),
	CASE(success_leaves_errno_alone_where_nothing_can_be_opened),
	/* a stock is something else, and bounded by tests of its own */
	CASE_WITH(what_is_freed_is_used_again_in_every_class, "helpers:never"),
};

CONTRACT_MAIN(cases)
