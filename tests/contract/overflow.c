/* SPDX-License-Identifier: MIT */
/*
 * Sizes that nobody can have: every function must return NULL with ENOMEM, and leave the
 * block that it was to change as it was. Catches sums and products that wrap.
 */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"

static const size_t impossible[] = {
	(size_t)PTRDIFF_MAX + 1,
	(size_t)PTRDIFF_MAX + 4096,
	SIZE_MAX - (2 << 20),
	SIZE_MAX - 65536,
	SIZE_MAX - 8192,
	SIZE_MAX - 4096,
	SIZE_MAX - 4095,
	SIZE_MAX - 64,
	SIZE_MAX - 16,
	SIZE_MAX - 15,
	SIZE_MAX - 1,
	SIZE_MAX,
};

enum { IMPOSSIBLE_COUNT = sizeof(impossible) / sizeof(*impossible) };

static void expect_no_memory(void *block, const char *call, size_t size)
{
	CHECK_THAT(block == NULL, "%s of %zx bytes gave %p", call, size, block);
	CHECK_THAT(errno == ENOMEM, "%s of %zx bytes set errno %d", call, size, errno);
	errno = 0;
}

static void impossible_sizes_give_null_and_enomem(void)
{
	errno = 0;
	for (size_t i = 0; i < IMPOSSIBLE_COUNT; i++) {
		size_t size = hidden_size(impossible[i]);

		expect_no_memory(malloc(size), "malloc", size);
		expect_no_memory(calloc(1, size), "calloc(1)", size);
		expect_no_memory(calloc(size, 1), "calloc(n, 1)", size);
		expect_no_memory(realloc(NULL, size), "realloc(NULL)", size);
		expect_no_memory(reallocarray(NULL, size, 1), "reallocarray", size);
		expect_no_memory(valloc(size), "valloc", size);
		expect_no_memory(pvalloc(size), "pvalloc", size);
	}
}

static void impossible_aligned_sizes_give_null_and_enomem(void)
{
	errno = 0;
	for (size_t i = 0; i < IMPOSSIBLE_COUNT; i++) {
		for (size_t alignment = 8; alignment <= GIB; alignment *= 2) {
			size_t size = hidden_size(impossible[i]);

			expect_no_memory(memalign(alignment, size), "memalign", size);
			expect_no_memory(aligned_alloc(alignment, size), "aligned_alloc",
					 size);
		}
	}
}

static void posix_memalign_out_of_memory_touches_nothing(void)
{
	for (size_t i = 0; i < IMPOSSIBLE_COUNT; i++) {
		for (size_t alignment = 8; alignment <= GIB; alignment *= 2) {
			void *block = &block;
			int result;

			errno = 1234;
			result = posix_memalign(&block, alignment,
						hidden_size(impossible[i]));
			CHECK_THAT(result == ENOMEM, "posix_memalign(%zx, %zx) gave %d",
				   alignment, impossible[i], result);
			CHECK(errno == 1234);
			CHECK(block == &block);
		}
	}
}

/* Products: some wrap to 0, some to a small number, some stay just too large. */
static const size_t products[][2] = {
	{ SIZE_MAX, 2 },
	{ 2, SIZE_MAX },
	{ SIZE_MAX, SIZE_MAX },
	{ (size_t)1 << 32, (size_t)1 << 32 },
	{ ((size_t)1 << 32) + 1, (size_t)1 << 32 },
	{ 2, SIZE_MAX / 2 + 1 },
	{ SIZE_MAX / 2 + 1, 2 },
	{ 16, SIZE_MAX / 16 + 2 },
	{ SIZE_MAX / 16 + 2, 16 },
	{ 2, SIZE_MAX / 4 + 1 },
	{ (size_t)1 << 31, (size_t)1 << 32 },
};

static void products_that_wrap_give_null_and_enomem(void)
{
	errno = 0;
	for (size_t i = 0; i < sizeof(products) / sizeof(*products); i++) {
		size_t count = hidden_size(products[i][0]);
		size_t size = hidden_size(products[i][1]);

		expect_no_memory(calloc(count, size), "calloc", count);
		expect_no_memory(reallocarray(NULL, count, size), "reallocarray", count);
	}
}

static void expect_kept(void *block, size_t size, const char *call, void *result)
{
	expect_no_memory(result, call, size);
	CHECK_THAT(pattern_holds(block, size, size), "%s of %zu bytes lost the contents",
		   call, size);
}

static void a_failed_realloc_leaves_the_block_as_it_was(void)
{
	size_t sizes[SIZE_CLASSES_ROOM];
	size_t count = size_classes_find(sizes, 4 * MIB);

	errno = 0;
	for (size_t i = 0; i < count; i++) {
		size_t size = sizes[i];
		char *block = malloc(size);

		CHECK(block);
		pattern_write(block, size, size);
		for (size_t j = 0; j < IMPOSSIBLE_COUNT; j++)
			expect_kept(block, size, "realloc",
				    realloc(hidden(block), hidden_size(impossible[j])));
		for (size_t j = 0; j < sizeof(products) / sizeof(*products); j++)
			expect_kept(block, size, "reallocarray",
				    reallocarray(hidden(block),
						 hidden_size(products[j][0]),
						 hidden_size(products[j][1])));
		free(block);
	}
}

/* More than any machine has, but no overflow: may fail, must not lie. */
static void absurd_sizes_are_refused_or_real(void)
{
	for (size_t size = (size_t)1 << 36; size <= (size_t)1 << 62; size *= 2) {
		char *block;

		errno = 0;
		block = malloc(hidden_size(size));
		if (!block) {
			CHECK(errno == ENOMEM);
			continue;
		}
		block[0] = 1;
		((char *)hidden(block))[size - 1] = 2;
		free(block);
	}
}

static const struct contract_case cases[] = {
	CASE(impossible_sizes_give_null_and_enomem),
	CASE(impossible_aligned_sizes_give_null_and_enomem),
	CASE(posix_memalign_out_of_memory_touches_nothing),
	CASE(products_that_wrap_give_null_and_enomem),
	CASE(a_failed_realloc_leaves_the_block_as_it_was),
	CASE(absurd_sizes_are_refused_or_real),
};

CONTRACT_MAIN(cases)
