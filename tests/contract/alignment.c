/* SPDX-License-Identifier: MIT */
/*
 * Alignment as each standard says: of plain blocks, of every function that takes one, and
 * what a bad one gives. Blocks are held together and filled, so that one that is too
 * short for its alignment is seen in its neighbour.
 */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"

enum { LARGEST_ALIGNMENT = 4 << 20, HELD = 8 };

typedef void *(*aligned_function)(size_t alignment, size_t size);

static void *by_posix_memalign(size_t alignment, size_t size)
{
	void *block = NULL;

	if (alignment < sizeof(void *))
		alignment = sizeof(void *);
	CHECK(posix_memalign(&block, alignment, size) == 0);
	return block;
}

static const size_t sizes[] = {
	0, 1, 8, 16, 100, 1000, 1016, 1024, 1025, 4096, 5000, 8191, 8192, 65536, 100000,
	1 << 20, (1 << 20) + 1, 3 << 20,
};

static void check_alignment(aligned_function function, size_t alignment, size_t size)
{
	void *held[HELD];

	for (size_t i = 0; i < HELD; i++) {
		held[i] = function(alignment, hidden_size(size));
		CHECK_THAT(held[i] != NULL, "no block of %zu aligned to %zu", size,
			   alignment);
		CHECK_THAT(is_aligned(held[i], alignment), "%p is not aligned to %zu",
			   held[i], alignment);
		CHECK(malloc_usable_size(held[i]) >= size);
		pattern_write(held[i], size, i);
	}
	for (size_t i = 0; i < HELD; i++) {
		CHECK_THAT(pattern_holds(held[i], size, i),
			   "a block of %zu aligned to %zu was written by a neighbour",
			   size, alignment);
		free(held[i]);
	}
}

static void check_alignments(aligned_function function)
{
	for (size_t alignment = 1; alignment <= LARGEST_ALIGNMENT; alignment *= 2)
		for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
			check_alignment(function, alignment, sizes[i]);
}

static void posix_memalign_aligns_to_4_mib(void)
{
	check_alignments(by_posix_memalign);
}

static void aligned_alloc_aligns_to_4_mib(void)
{
	check_alignments(aligned_alloc);
}

static void memalign_aligns_to_4_mib(void)
{
	check_alignments(memalign);
}

static void aligned_blocks_can_be_resized(void)
{
	for (size_t alignment = 1; alignment <= LARGEST_ALIGNMENT; alignment *= 2) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
			size_t more = sizes[i] * 2 + 100, less = sizes[i] / 2;
			char *block = memalign(alignment, sizes[i]);

			CHECK(block);
			pattern_write(block, sizes[i], alignment);
			block = realloc(block, more);
			CHECK(block && pattern_holds(block, sizes[i], alignment));
			pattern_write(block, more, i);
			block = realloc(block, less ? less : 1);
			CHECK(block && pattern_holds(block, less, i));
			free(block);
		}
	}
}

static void huge_alignments_are_refused_or_kept(void)
{
	for (size_t alignment = 8 * MIB; alignment <= (size_t)1 << 62; alignment *= 2) {
		void *block = NULL;
		int result = posix_memalign(&block, alignment, 1000);

		if (result) {
			CHECK(result == ENOMEM);
			continue;
		}
		CHECK(is_aligned(block, alignment));
		pattern_write(block, 1000, 1);
		free(block);
	}
}

static void posix_memalign_of_a_bad_alignment_gives_einval_and_touches_nothing(void)
{
	static const size_t bad[] = { 0, 1, 2, 3, 4, 5, 7, 9, 12, 24, 48, 100, 4095, 4097,
				      (size_t)3 << 40, SIZE_MAX - 1, SIZE_MAX };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		void *block = &block;

		errno = 1234;
		CHECK_THAT(posix_memalign(&block, hidden_size(bad[i]), 64) == EINVAL,
			   "alignment %zu was not refused with EINVAL", bad[i]);
		CHECK(errno == 1234);
		CHECK(block == &block);
	}
}

static void aligned_alloc_of_a_bad_alignment_gives_null_and_einval(void)
{
	static const size_t bad[] = { 3, 5, 24, 48, 100, 4097, SIZE_MAX };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		errno = 0;
		CHECK_THAT(aligned_alloc(hidden_size(bad[i]), 64) == NULL,
			   "alignment %zu was not refused", bad[i]);
		CHECK(errno == EINVAL);
	}
}

/* glibc rounds such an alignment up; refusing it is as good, half an alignment is not. */
static void memalign_of_a_bad_alignment_rounds_up_or_gives_einval(void)
{
	static const size_t bad[][2] = { { 3, 4 }, { 24, 32 }, { 48, 64 }, { 100, 128 },
					 { 4097, 8192 }, { (3 << 20) + 1, 4 << 20 } };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		void *block;

		errno = 0;
		block = memalign(hidden_size(bad[i][0]), 64);
		CHECK(block ? is_aligned(block, bad[i][1]) : errno == EINVAL);
		free(block);
	}
}

static void plain_blocks_are_aligned_to_16_bytes(void)
{
	for (size_t size = 0; size <= 4 * MIB; size += size < 9000 ? 1 : size / 7) {
		void *blocks[] = { malloc(size), calloc(1, size), realloc(NULL, size) };

		for (size_t i = 0; i < sizeof(blocks) / sizeof(*blocks); i++) {
			/* max_align_t may be needed by 16 bytes and more only */
			size_t alignment = size > 8 ? 16 : 8;

			CHECK(blocks[i]);
			CHECK_THAT(is_aligned(blocks[i], alignment), "%zu bytes at %p",
				   size, blocks[i]);
			free(blocks[i]);
		}
	}
}

static void valloc_and_pvalloc_give_whole_pages(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	for (size_t size = 0; size <= 4 * MIB; size += size < 9000 ? 13 : size / 3) {
		size_t rounded = (size + page - 1) & ~(page - 1);
		char *block = valloc(size), *rounded_block = pvalloc(size);

		CHECK(block && is_aligned(block, page));
		CHECK(rounded_block && is_aligned(rounded_block, page));
		CHECK_THAT(malloc_usable_size(rounded_block) >= rounded,
			   "pvalloc(%zu) has %zu bytes", size,
			   malloc_usable_size(rounded_block));
		pattern_write(block, size, 1);
		pattern_write(rounded_block, rounded, 2);
		CHECK(pattern_holds(block, size, 1));
		CHECK(pattern_holds(rounded_block, rounded, 2));
		free(block);
		free(rounded_block);
	}
}

static const struct contract_case cases[] = {
	CASE(posix_memalign_aligns_to_4_mib),
	CASE(aligned_alloc_aligns_to_4_mib),
	CASE(memalign_aligns_to_4_mib),
	CASE(aligned_blocks_can_be_resized),
	CASE(huge_alignments_are_refused_or_kept),
	CASE(posix_memalign_of_a_bad_alignment_gives_einval_and_touches_nothing),
	CASE(aligned_alloc_of_a_bad_alignment_gives_null_and_einval),
	CASE(memalign_of_a_bad_alignment_rounds_up_or_gives_einval),
	CASE(plain_blocks_are_aligned_to_16_bytes),
	CASE(valloc_and_pvalloc_give_whole_pages),
};

CONTRACT_MAIN(cases)
