/* SPDX-License-Identifier: MIT */
/*
 * large.c - large blocks against a model: are they disjoint and aligned, is what is said to
 * be untouched zero, do free runs merge, does every address get its true name?
 */
#include <config.h>

#include "back/charge.h"
#include "back/large.h"
#include "back/large_move.h"
#include "back/large_count.h"

#include <errno.h>

#include "back/reservation.h"
#include "os/vm.h"
#include "support/options.h"

#include "tests/unit/unit.h"

#define BLOCKS		24
#define BLOCK_UNITS_MAX 80 /* 5 MiB */

/* The linker puts this in the place of vm_move (--wrap), so that a test can refuse it. */
int __real_vm_move(void *from, void *to, size_t bytes);
int __wrap_vm_move(void *from, void *to, size_t bytes);

static bool moves_refused;

int __wrap_vm_move(void *from, void *to, size_t bytes)
{
	return moves_refused ? -ENOSYS : __real_vm_move(from, to, bytes);
}

struct block {
	char *start;
	size_t bytes;
	uint64_t mark;
};

static struct block blocks[BLOCKS];
static uint64_t next_mark = 1;
static char nobody;

static void set_up(void)
{
	size_class_init();
	ck_assert_int_eq(reservation_init(&nobody), 0);
}

static void check_name(const void *address, enum large_lookup expected,
		       size_t expected_bytes)
{
	size_t bytes = 0;

	ck_assert_int_eq(large_look_up(address, &bytes), expected);
	if (expected == LARGE_BLOCK)
		ck_assert_uint_eq(bytes, expected_bytes);
}

static size_t rounded(size_t bytes)
{
	return align_up(bytes, UNIT_SIZE);
}

static void check_disjoint(const struct block *block)
{
	unsigned i;

	for (i = 0; i < BLOCKS; i++) {
		const struct block *other = &blocks[i];

		if (other != block && other->start)
			ck_assert(block->start >= other->start + rounded(other->bytes) ||
				  other->start >= block->start + rounded(block->bytes));
	}
}

static void mark_block(struct block *block)
{
	block->mark = next_mark++ << 40;
	unit_fill(block->start, block->bytes, block->mark);
}

static void take(struct block *block, size_t bytes, size_t alignment)
{
	size_t dirty_bytes = SIZE_MAX;

	block->start = large_take(bytes, alignment, &dirty_bytes);
	block->bytes = bytes;
	ck_assert_ptr_nonnull(block->start);
	ck_assert_uint_eq((uintptr_t)block->start % alignment, 0);
	ck_assert_uint_le(dirty_bytes, rounded(bytes));
	check_disjoint(block);
	check_name(block->start, LARGE_BLOCK, rounded(bytes));
	check_name(block->start + 16, LARGE_INSIDE, 0);
	check_name(block->start + rounded(bytes) - 16, LARGE_INSIDE, 0);
	ck_assert(unit_is_zero(block->start + dirty_bytes, rounded(bytes) - dirty_bytes));
	mark_block(block);
}

static void check_contents(const struct block *block)
{
	ck_assert(unit_is_filled(block->start, block->bytes, block->mark));
}

static void put(struct block *block)
{
	check_contents(block);
	ck_assert_int_eq(large_put(block->start + 16), LARGE_INSIDE);
	ck_assert_int_eq(large_put(block->start), LARGE_BLOCK);
	check_name(block->start, LARGE_FREED, 0);
	ck_assert_int_eq(large_put(block->start), LARGE_FREED);
	check_name(block->start + 16, LARGE_UNUSED, 0);
	block->start = NULL;
}

/* What of a block's pattern does not depend on where it ended. */
static void check_start(const struct block *block, size_t bytes)
{
	size_t offset;

	for (offset = 0; offset + 4096 < bytes; offset += 4096)
		ck_assert_uint_eq(*(uint64_t *)(block->start + offset),
				  block->mark + offset);
}

/* The new part may hold anything, so all is marked anew. */
static void resize(struct block *block, size_t bytes)
{
	size_t have = block->bytes;
	bool done = large_resize_in_place(block->start, bytes);

	if (bytes <= have)
		ck_assert(done);
	if (done)
		block->bytes = bytes;
	check_name(block->start, LARGE_BLOCK, rounded(block->bytes));
	check_disjoint(block);
	check_start(block, min_size(bytes, have));
	mark_block(block);
}

static void move(struct block *block, size_t bytes)
{
	char *old = block->start, *moved = large_move(old, bytes);

	if (!moved) {
		check_name(old, LARGE_BLOCK, rounded(block->bytes));
		return;
	}
	ck_assert_uint_ge(bytes, block->bytes);
	check_name(old, LARGE_FREED, 0);
	block->start = moved;
	ck_assert(unit_is_filled(moved, block->bytes, block->mark));
	block->bytes = bytes;
	check_name(moved, LARGE_BLOCK, rounded(bytes));
	check_disjoint(block);
	mark_block(block);
}

static void check_totals(void)
{
	struct large_counts counts;
	size_t live = 0, count = 0, found;
	unsigned i;

	for (i = 0; i < BLOCKS; i++)
		if (blocks[i].start) {
			live += rounded(blocks[i].bytes);
			count++;
		}
	ck_assert_uint_eq(large_live_bytes(&found), live);
	ck_assert_uint_eq(found, count);
	ck_assert_uint_eq(charge_taken_bytes(), live);
	counts = large_count_read();
	ck_assert_uint_eq(live + counts.free_dirty_bytes + counts.free_clean_bytes,
			  reservation_opened_bytes());
}

static void act_at_random(struct unit_random *random)
{
	struct block *block = &blocks[unit_random_between(random, 0, BLOCKS - 1)];
	size_t bytes =
		unit_random_between(random, 1, BLOCK_UNITS_MAX * UNIT_SIZE / 8) * 8;

	if (!block->start)
		take(block, bytes, UNIT_SIZE << unit_random_between(random, 0, 7));
	else if (unit_random_next(random) % 4 == 0)
		resize(block, bytes);
	else if (unit_random_next(random) % 8 == 0)
		move(block, bytes);
	else
		put(block);
	if (unit_random_next(random) % 64 == 0)
		large_trim();
}

static void put_all(void)
{
	unsigned i;

	for (i = 0; i < BLOCKS; i++)
		if (blocks[i].start)
			put(&blocks[i]);
}

START_TEST(random_use_agrees_with_a_model)
{
	struct unit_random random = unit_random_begin();
	unsigned round;

	for (round = 0; round < (UNIT_SANITIZED ? 3000 : 6000); round++) {
		act_at_random(&random);
		check_totals();
	}
	put_all();
	check_totals();
}
END_TEST

START_TEST(when_all_is_put_all_is_one_run)
{
	struct unit_random random = unit_random_begin();
	size_t opened, dirty_bytes;
	unsigned round;

	for (round = 0; round < 2000; round++)
		act_at_random(&random);
	put_all();
	opened = reservation_opened_bytes();
	ck_assert_ptr_nonnull(large_take(opened, UNIT_SIZE, &dirty_bytes));
	ck_assert_uint_eq(reservation_opened_bytes(), opened);
}
END_TEST

/* _i: bit 0: the block before is free, bit 1: the one behind. */
START_TEST(a_double_free_is_found_whatever_the_neighbours)
{
	size_t dirty_bytes, bytes;
	char *before = large_take(2 * MiB, UNIT_SIZE, &dirty_bytes);
	char *block = large_take(2 * MiB, UNIT_SIZE, &dirty_bytes);
	char *behind = large_take(2 * MiB, UNIT_SIZE, &dirty_bytes);

	ck_assert_ptr_eq(block, before + 2 * MiB);
	ck_assert_ptr_eq(behind, block + 2 * MiB);
	if (_i & 1)
		ck_assert_int_eq(large_put(before), LARGE_BLOCK);
	if (_i & 2)
		ck_assert_int_eq(large_put(behind), LARGE_BLOCK);
	ck_assert_int_eq(large_put(block), LARGE_BLOCK);
	ck_assert_int_eq(large_put(block), LARGE_FREED);
	check_name(block + 64, LARGE_UNUSED, 0);
	if (!(_i & 1))
		ck_assert_int_eq(large_put(before), LARGE_BLOCK);
	ck_assert_int_eq(large_put(block), LARGE_FREED);
	ck_assert_uint_eq(large_live_bytes(&bytes), _i & 2 ? 0 : 2 * MiB);
}
END_TEST

START_TEST(addresses_outside_the_range_are_not_ours)
{
	size_t dirty_bytes;
	char *block = large_take(3 * MiB, UNIT_SIZE, &dirty_bytes);

	check_name(block + 3 * MiB, LARGE_UNUSED, 0);
	check_name((char *)reservation.base + reservation_opened_bytes() * 64,
		   LARGE_NOT_OURS, 0);
	check_name((char *)reservation.base + reservation.bytes - UNIT_SIZE,
		   LARGE_NOT_OURS, 0);
}
END_TEST

START_TEST(a_block_at_the_frontier_grows_where_it_is)
{
	struct block *block = &blocks[0];

	take(block, 2 * MiB, UNIT_SIZE);
	resize(block, 200 * MiB);
	ck_assert_uint_eq(block->bytes, 200 * MiB);
	resize(block, 1 * MiB);
	resize(block, 200 * MiB);
	ck_assert_uint_eq(block->bytes, 200 * MiB);
	check_totals();
}
END_TEST

START_TEST(a_block_does_not_grow_over_another)
{
	take(&blocks[0], 2 * MiB, UNIT_SIZE);
	take(&blocks[1], 2 * MiB, UNIT_SIZE);
	ck_assert(!large_resize_in_place(blocks[0].start, 2 * MiB + 1));
	ck_assert(large_resize_in_place(blocks[0].start, 2 * MiB));
	put(&blocks[1]);
	ck_assert(large_resize_in_place(blocks[0].start, 4 * MiB));
}
END_TEST

START_TEST(growth_that_the_limit_refuses_opens_nothing)
{
	size_t opened;
	unsigned i;

	options.limit_hard_bytes = 8 * MiB;
	take(&blocks[0], 4 * MiB, UNIT_SIZE);
	opened = reservation_opened_bytes();
	for (i = 0; i < 10; i++)
		ck_assert(!large_resize_in_place(blocks[0].start, 9 * MiB));
	ck_assert_uint_eq(reservation_opened_bytes(), opened);
	check_totals();
	resize(&blocks[0], 8 * MiB);
	ck_assert_uint_eq(blocks[0].bytes, 8 * MiB);
}
END_TEST

START_TEST(sizes_and_alignments_beyond_the_heap_are_refused)
{
	static const size_t beyond[] = { SIZE_MAX, SIZE_MAX - UNIT_SIZE, PTRDIFF_MAX,
					 (size_t)1 << 48, (size_t)1 << 47 };
	size_t dirty_bytes;
	unsigned i;

	take(&blocks[0], 2 * MiB, UNIT_SIZE);
	for (i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
		ck_assert_ptr_null(large_take(beyond[i], UNIT_SIZE, &dirty_bytes));
		ck_assert(!large_resize_in_place(blocks[0].start, beyond[i]));
		ck_assert_ptr_null(large_move(blocks[0].start, beyond[i]));
	}
	ck_assert_ptr_null(large_take(2 * MiB, (size_t)1 << 62, &dirty_bytes));
	ck_assert_ptr_null(large_take(reservation.bytes, UNIT_SIZE, &dirty_bytes));
	check_totals();
	check_contents(&blocks[0]);
}
END_TEST

START_TEST(alignments_to_64_mib_are_kept)
{
	size_t alignment;

	for (alignment = UNIT_SIZE; alignment <= 64 * MiB; alignment *= 2) {
		take(&blocks[0], 1 * MiB + 1, alignment);
		take(&blocks[1], 3 * MiB, alignment);
		put_all();
	}
}
END_TEST

START_TEST(a_trim_gives_back_all_that_is_free_and_dirty_once)
{
	size_t dirty_bytes;

	take(&blocks[0], 5 * MiB, UNIT_SIZE);
	take(&blocks[1], 3 * MiB, UNIT_SIZE);
	take(&blocks[2], 2 * MiB, UNIT_SIZE);
	ck_assert_uint_eq(large_trim(), 0);
	put(&blocks[0]);
	ck_assert_uint_eq(large_trim(), 5 * MiB);
	ck_assert_uint_eq(large_trim(), 0);
	put(&blocks[2]);
	ck_assert_uint_eq(large_trim(), 2 * MiB);
	check_contents(&blocks[1]);
	take(&blocks[0], 5 * MiB, UNIT_SIZE);
	put_all();
	ck_assert_uint_eq(large_trim(), 8 * MiB);
	ck_assert_ptr_nonnull(large_take(8 * MiB, UNIT_SIZE, &dirty_bytes));
	ck_assert_uint_eq(dirty_bytes, 0);
}
END_TEST

START_TEST(a_refused_move_changes_nothing)
{
	moves_refused = true;
	take(&blocks[0], 4 * MiB, UNIT_SIZE);
	ck_assert_ptr_null(large_move(blocks[0].start, 6 * MiB));
	check_contents(&blocks[0]);
	check_totals();
	put(&blocks[0]);
	check_totals();
}
END_TEST

/* Each move may split mappings; so there must be an end to them. */
START_TEST(moves_come_to_an_end)
{
	size_t dirty_bytes;
	char *block = large_take(2 * MiB, UNIT_SIZE, &dirty_bytes), *moved;
	unsigned count = 0;

	ck_assert_ptr_null(large_move(block, 1 * MiB));
	while ((moved = large_move(block, 2 * MiB)) != NULL) {
		check_name(block, LARGE_FREED, 0);
		block = moved;
		ck_assert_uint_lt(++count, 1000);
	}
	ck_assert_uint_ge(count, 1);
	check_name(block, LARGE_BLOCK, 2 * MiB);
}
END_TEST

int main(void)
{
	TCase *tcase = unit_begin_between("large");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, random_use_agrees_with_a_model);
	tcase_add_test(tcase, when_all_is_put_all_is_one_run);
	tcase_add_loop_test(tcase, a_double_free_is_found_whatever_the_neighbours, 0, 4);
	tcase_add_test(tcase, addresses_outside_the_range_are_not_ours);
	tcase_add_test(tcase, a_block_at_the_frontier_grows_where_it_is);
	tcase_add_test(tcase, a_block_does_not_grow_over_another);
	tcase_add_test(tcase, growth_that_the_limit_refuses_opens_nothing);
	tcase_add_test(tcase, sizes_and_alignments_beyond_the_heap_are_refused);
	tcase_add_test(tcase, alignments_to_64_mib_are_kept);
	tcase_add_test(tcase, a_trim_gives_back_all_that_is_free_and_dirty_once);
	tcase_add_test(tcase, a_refused_move_changes_nothing);
	tcase_add_test(tcase, moves_come_to_an_end);
	return unit_end();
}
