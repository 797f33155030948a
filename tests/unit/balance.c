/* SPDX-License-Identifier: MIT */
/*
 * balance.c - when nothing more can be opened, does memory that lies free as superslabs serve
 * large blocks, and the other way round, without ever being in use as both?
 */
#include <config.h>

#include "back/balance.h"


#include "back/charge.h"
#include "back/large.h"
#include "back/large_count.h"
#include "back/superslab.h"
#include "back/superslab_take.h"
#include "os/vm.h"

#include "tests/unit/no_memory.h"
#include "tests/unit/unit.h"

#define SLABS_MAX 4096

static char nobody;
static uint32_t slabs[SLABS_MAX];
static unsigned slab_count;

static void set_up(void)
{
	size_class_init();
	ck_assert_int_eq(reservation_init(&nobody), 0);
}

static char *take_large(size_t bytes, size_t alignment)
{
	size_t dirty_bytes;
	char *block = large_take(bytes, alignment, &dirty_bytes);

	if (!block && balance_toward_large(bytes, alignment))
		block = large_take(bytes, alignment, &dirty_bytes);
	if (!block)
		return NULL;
	ck_assert(unit_is_zero(block + dirty_bytes, bytes - dirty_bytes));
	unit_fill(block, bytes, 1);
	return block;
}

static bool take_slab(void)
{
	bool zeroed;
	uint32_t unit;

	do {
		unit = superslab_take_slab(1, 1, 0, 0, &zeroed);
	} while (unit == UNIT_NONE && balance_toward_slabs());
	if (unit == UNIT_NONE)
		return false;
	if (zeroed)
		ck_assert(unit_is_zero(reservation_unit_start(unit), UNIT_SIZE));
	unit_fill(reservation_unit_start(unit), UNIT_SIZE, unit);
	slabs[slab_count++] = unit;
	return true;
}

static void take_all_slabs(void)
{
	size_t count;

	while (!no_memory && reservation_opened_bytes() < 128 * MiB)
		ck_assert(take_slab());
	no_memory = true;
	while (slab_count < SLABS_MAX && take_slab())
		;
	ck_assert_uint_eq(slab_count * UNIT_SIZE +
				  align_up(large_live_bytes(&count), SUPERSLAB_SIZE),
			  reservation_opened_bytes());
}

static void put_all_slabs(void)
{
	for (; slab_count; slab_count--) {
		uint32_t unit = slabs[slab_count - 1];

		ck_assert(unit_is_filled(reservation_unit_start(unit), UNIT_SIZE, unit));
		superslab_put_slab(unit, 1);
	}
}

static size_t free_of_large_range(void)
{
	struct large_counts counts = large_count_read();

	return counts.free_dirty_bytes + counts.free_clean_bytes;
}

START_TEST(free_slabs_become_one_large_block)
{
	char *block;

	ck_assert_ptr_nonnull(take_large(2 * MiB, UNIT_SIZE)); /* its records are open */
	take_all_slabs();
	ck_assert_ptr_null(take_large(64 * MiB, UNIT_SIZE));
	put_all_slabs();
	block = take_large(30 * MiB, UNIT_SIZE);
	ck_assert_ptr_nonnull(block);
	ck_assert_int_eq(large_put(block), LARGE_BLOCK);
	ck_assert_uint_ge(free_of_large_range(), 30 * MiB);
}
END_TEST

START_TEST(a_free_large_block_becomes_slabs)
{
	size_t opened;
	char *block = take_large(64 * MiB, UNIT_SIZE);

	no_memory = true;
	opened = reservation_opened_bytes();
	ck_assert(!take_slab());
	ck_assert_int_eq(large_put(block), LARGE_BLOCK);
	while (slab_count < SLABS_MAX && take_slab())
		;
	ck_assert_uint_eq(slab_count * UNIT_SIZE, opened);
	ck_assert_uint_eq(free_of_large_range(), 0);
	ck_assert_int_eq(large_put(block), LARGE_NOT_OURS);
	ck_assert_ptr_null(take_large(2 * MiB, UNIT_SIZE));
	put_all_slabs();
	ck_assert_ptr_eq(take_large(64 * MiB, UNIT_SIZE), block);
}
END_TEST

START_TEST(a_large_block_from_slabs_is_aligned)
{
	char *block;

	ck_assert_ptr_nonnull(take_large(2 * MiB, UNIT_SIZE));
	take_all_slabs();
	put_all_slabs();
	block = take_large(3 * MiB, 8 * MiB);
	ck_assert_ptr_nonnull(block);
	ck_assert_uint_eq((uintptr_t)block % (8 * MiB), 0);
}
END_TEST

START_TEST(memory_in_use_is_not_given_away)
{
	uint32_t kept[SLABS_MAX / SUPERSLAB_UNITS];
	unsigned kept_count = 0, i;

	ck_assert_ptr_nonnull(take_large(64 * MiB, UNIT_SIZE));
	take_all_slabs();
	for (i = 0; i < slab_count; i++)
		if (slabs[i] % SUPERSLAB_UNITS == 5)
			kept[kept_count++] = slabs[i];
		else
			superslab_put_slab(slabs[i], 1);
	ck_assert_ptr_null(take_large(2 * MiB, UNIT_SIZE));
	for (i = 0; i < kept_count; i++)
		ck_assert(unit_is_filled(reservation_unit_start(kept[i]), UNIT_SIZE,
					 kept[i]));
}
END_TEST

/* Everything that is free passes from one kind to the other and back; nothing is lost. */
START_TEST(random_use_of_both_kinds_loses_nothing)
{
	struct unit_random random = unit_random_begin();
	char *blocks[8] = { NULL };
	size_t sizes[8], opened;
	unsigned round, i;

	ck_assert_ptr_nonnull(blocks[0] = take_large(sizes[0] = 2 * MiB, UNIT_SIZE));
	ck_assert(take_slab());
	no_memory = true;
	opened = reservation_opened_bytes();
	for (round = 0; round < 3000; round++) {
		i = (unsigned)unit_random_between(&random, 0, 7);
		if (unit_random_next(&random) % 2) {
			for (i = 0; i < 40 && take_slab(); i++)
				;
		} else if (unit_random_next(&random) % 4 == 0) {
			put_all_slabs();
		} else if (blocks[i]) {
			ck_assert(unit_is_filled(blocks[i], sizes[i], 1));
			ck_assert_int_eq(large_put(blocks[i]), LARGE_BLOCK);
			blocks[i] = NULL;
		} else {
			sizes[i] = unit_random_between(&random, 1, 160) * UNIT_SIZE;
			blocks[i] = take_large(sizes[i], UNIT_SIZE);
		}
	}
	put_all_slabs();
	for (i = 0; i < 8; i++)
		if (blocks[i])
			ck_assert_int_eq(large_put(blocks[i]), LARGE_BLOCK);
	ck_assert_uint_eq(charge_taken_bytes(), 0);
	ck_assert_uint_eq(reservation_opened_bytes(), opened);
	take_all_slabs();
}
END_TEST

#define CROWD 60

/* In one list with the one that fits, before it or behind it. */
static void put_last_or_first(unsigned last, unsigned fitting, void (*put)(unsigned number))
{
	unsigned i;

	if (!last)
		put(fitting);
	for (i = 0; i < CROWD; i++)
		if (i != fitting)
			put(i);
	if (last)
		put(fitting);
}

static char *crowd[CROWD], *between[CROWD];

static void put_crowded_block(unsigned number)
{
	ck_assert_int_eq(large_put(crowd[number]), LARGE_BLOCK);
}

/* _i: whether it is the first of its list */
START_TEST(a_free_run_behind_many_that_are_too_short_is_found_in_need)
{
	unsigned i;

	for (i = 0; i < CROWD; i++) {
		crowd[i] = take_large((i == 20 ? 39 : 33) * UNIT_SIZE, UNIT_SIZE);
		between[i] = take_large(UNIT_SIZE, UNIT_SIZE);
		ck_assert(crowd[i] && between[i]);
	}
	no_memory = true;
	while (take_large(34 * UNIT_SIZE, UNIT_SIZE))
		;
	put_last_or_first((unsigned)_i, 20, put_crowded_block);
	ck_assert_ptr_nonnull(take_large(39 * UNIT_SIZE, UNIT_SIZE));
}
END_TEST

static uint32_t scattered[CROWD];

/* Four units that lie side by side, or apart. */
static void put_scattered_units(unsigned number)
{
	unsigned i, step = number == 20 ? 1 : 2;

	for (i = 0; i < 4; i++)
		superslab_put_slab(scattered[number] + i * step, 1);
}

START_TEST(units_behind_many_that_lie_apart_are_found_in_need)
{
	bool zeroed;
	unsigned i;

	for (i = 0; i < CROWD; i++) {
		scattered[i] = superslab_take_slab(SUPERSLAB_UNITS, 1, 0, 0, &zeroed);
		ck_assert_uint_ne(scattered[i], UNIT_NONE);
	}
	no_memory = true;
	while (superslab_take_slab(1, 1, 0, 0, &zeroed) != UNIT_NONE)
		;
	put_last_or_first((unsigned)_i, 20, put_scattered_units);
	ck_assert_uint_eq(superslab_take_slab(4, 1, 0, 0, &zeroed), scattered[20]);
}
END_TEST

int main(void)
{
	TCase *tcase = unit_begin_between("balance");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, free_slabs_become_one_large_block);
	tcase_add_test(tcase, a_free_large_block_becomes_slabs);
	tcase_add_test(tcase, a_large_block_from_slabs_is_aligned);
	tcase_add_test(tcase, memory_in_use_is_not_given_away);
	tcase_add_test(tcase, random_use_of_both_kinds_loses_nothing);
	tcase_add_loop_test(tcase, a_free_run_behind_many_that_are_too_short_is_found_in_need, 0,
			    2);
	tcase_add_loop_test(tcase, units_behind_many_that_lie_apart_are_found_in_need, 0, 2);
	return unit_end();
}
