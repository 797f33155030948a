/* SPDX-License-Identifier: MIT */
/*
 * Allocation with flags: does each function do what its flags say, and is a block the same
 * whichever function made it? Looked up by dlsym: the program is not linked with the library.
 */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <hakmem/hakmem.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"

static struct {
	void *(*mallocx)(size_t size, int flags);
	void *(*rallocx)(void *block, size_t size, int flags);
	size_t (*xallocx)(void *block, size_t size, size_t extra, int flags);
	size_t (*sallocx)(const void *block, int flags);
	void (*dallocx)(void *block, int flags);
	void (*sdallocx)(void *block, size_t size, int flags);
	size_t (*nallocx)(size_t size, int flags);
	void *(*alloc_at_least)(size_t size, size_t *usable);
} hak;

static void begin(void)
{
	contract_look_up(&hak.mallocx, "hak_mallocx");
	contract_look_up(&hak.rallocx, "hak_rallocx");
	contract_look_up(&hak.xallocx, "hak_xallocx");
	contract_look_up(&hak.sallocx, "hak_sallocx");
	contract_look_up(&hak.dallocx, "hak_dallocx");
	contract_look_up(&hak.sdallocx, "hak_sdallocx");
	contract_look_up(&hak.nallocx, "hak_nallocx");
	contract_look_up(&hak.alloc_at_least, "hak_alloc_at_least");
}

/* Steps through sizes to 5 MiB, few of which are round. */
static size_t next_size(size_t size)
{
	return size + size / 3 + 1;
}

static void every_alignment_is_kept_at_every_size(void)
{
	begin();
	for (size_t size = 0; size < 5 * MIB; size = next_size(size)) {
		for (int lg = 0; lg <= 22; lg++) {
			void *block = hak.mallocx(size, HAK_LG_ALIGN(lg));

			CHECK(block && is_aligned(block, (size_t)1 << lg));
			CHECK(hak.sallocx(block, 0) >= size);
			memset(block, 0x5a, size < 64 ? size : 64);
			hak.dallocx(block, HAK_LG_ALIGN(lg));
		}
	}
}

static void nallocx_says_the_least_that_sallocx_will_say(void)
{
	begin();
	for (size_t size = 0; size < 5 * MIB; size = next_size(size)) {
		for (int lg = 0; lg <= 22; lg++) {
			void *block = hak.mallocx(size, HAK_LG_ALIGN(lg));

			/* More by one class at most, where there is one halfway below. */
			CHECK_THAT(hak.nallocx(size, HAK_LG_ALIGN(lg)) <= hak.sallocx(block, 0) &&
					   hak.nallocx(size, HAK_LG_ALIGN(lg)) >=
						   hak.sallocx(block, 0) / 17 * 16,
				   "size %zu, alignment 2^%d: %zu, then %zu", size, lg,
				   hak.nallocx(size, HAK_LG_ALIGN(lg)), hak.sallocx(block, 0));
			hak.dallocx(block, 0);
		}
	}
}

static void zero_means_zeroes_where_there_were_others(void)
{
	static const int flags[] = { HAK_ZERO, HAK_ZERO | HAK_ALIGN(4096),
				     HAK_ZERO | HAK_ALIGN(1 << 21) };

	begin();
	for (size_t size = 1; size < 5 * MIB; size = next_size(size)) {
		for (size_t i = 0; i < 3; i++) {
			char *block = hak.mallocx(size, flags[i]);

			CHECK(block && all_zero(block, size));
			memset(block, 0xff, size);
			hak.sdallocx(block, size, flags[i]);
		}
	}
}

static void what_rallocx_adds_is_zero_and_the_rest_stays(void)
{
	begin();
	for (size_t size = 1; size < 2 * MIB; size = next_size(size)) {
		char *block = hak.mallocx(size, 0);
		size_t old = hak.sallocx(block, 0);

		pattern_write(block, old, size);
		block = hak.rallocx(block, 3 * old, HAK_ZERO);
		CHECK(block && pattern_holds(block, old, size));
		CHECK(all_zero(block + old, hak.sallocx(block, 0) - old));
		hak.dallocx(block, 0);
	}
}

static void rallocx_aligns_what_was_not_aligned(void)
{
	begin();
	for (size_t size = 1; size < 2 * MIB; size = next_size(size)) {
		char *block = hak.mallocx(size, 0);

		pattern_write(block, size, size);
		block = hak.rallocx(block, size, HAK_ALIGN(65536));
		CHECK(block && is_aligned(block, 65536) && pattern_holds(block, size, size));
		hak.dallocx(block, 0);
	}
}

static void rallocx_to_nothing_leaves_a_block(void)
{
	void *block;

	begin();
	block = hak.rallocx(hak.mallocx(100, 0), 0, 0);
	CHECK(block);
	hak.dallocx(block, 0);
}

static void a_failing_rallocx_leaves_the_block_alone(void)
{
	char *block;

	begin();
	block = hak.mallocx(1000, 0);
	pattern_write(block, 1000, 1);
	errno = 0;
	CHECK(!hak.rallocx(block, hidden_size(SIZE_MAX / 2 + 1), 0) && errno == ENOMEM);
	CHECK(pattern_holds(block, 1000, 1));
	hak.dallocx(block, 0);
}

static void xallocx_never_moves_and_says_the_size(void)
{
	begin();
	for (size_t size = 1; size < 20 * MIB; size = next_size(size)) {
		char *block = hak.mallocx(size, 0);
		size_t old = hak.sallocx(block, 0), said;

		pattern_write(block, old, size);
		said = hak.xallocx(block, size + 1, size, HAK_ZERO);
		CHECK(said == hak.sallocx(block, 0) && said >= old);
		CHECK(pattern_holds(block, old, size) && all_zero(block + old, said - old));
		CHECK(hak.xallocx(block, old, SIZE_MAX - old, 0) >= old);
		hak.dallocx(block, 0);
	}
}

static void too_much_is_refused(void)
{
	size_t usable = 1;

	begin();
	CHECK(hak.nallocx(SIZE_MAX, 0) == 0);
	CHECK(hak.nallocx(1, HAK_LG_ALIGN(63)) == 0);
	errno = 0;
	CHECK(!hak.mallocx(hidden_size(SIZE_MAX - 5), 0) && errno == ENOMEM);
	errno = 0;
	CHECK(!hak.mallocx(1, HAK_LG_ALIGN(63)) && errno == ENOMEM);
	CHECK(!hak.alloc_at_least(hidden_size(SIZE_MAX), &usable) && usable == 0);
}

static void at_least_says_how_much_there_is(void)
{
	begin();
	for (size_t size = 0; size < 5 * MIB; size = next_size(size)) {
		size_t usable = 0;
		void *block = hak.alloc_at_least(size, &usable);

		CHECK(block && usable >= size && usable == malloc_usable_size(block));
		pattern_write(block, usable, size);
		free(block);
	}
}

static void any_node_is_a_node(void)
{
	begin();
	for (int node = 0; node < 2000; node += 37) {
		void *small = hak.mallocx(100, HAK_NODE(node) | HAK_ZERO);
		void *large = hak.mallocx(3 * MIB, HAK_NODE(node) | HAK_ALIGN(4096));

		CHECK(small && all_zero(small, 100));
		CHECK(large && is_aligned(large, 4096));
		free(small);
		free(large);
	}
}

static const struct contract_case cases[] = {
	CASE(every_alignment_is_kept_at_every_size),
	CASE(nallocx_says_the_least_that_sallocx_will_say),
	CASE(zero_means_zeroes_where_there_were_others),
	CASE(what_rallocx_adds_is_zero_and_the_rest_stays),
	CASE(rallocx_aligns_what_was_not_aligned),
	CASE(rallocx_to_nothing_leaves_a_block),
	CASE(a_failing_rallocx_leaves_the_block_alone),
	CASE(xallocx_never_moves_and_says_the_size),
	CASE(too_much_is_refused),
	CASE(at_least_says_how_much_there_is),
	CASE(any_node_is_a_node),
};

CONTRACT_MAIN(cases)
