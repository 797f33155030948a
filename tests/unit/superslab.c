/* SPDX-License-Identifier: MIT */
/*
 * superslab.c - are runs of units disjoint, aligned and inside one superslab, are they there
 * again once put, and is "zeroed" the truth?
 */
#include <config.h>

#include "upkeep/populate_records.h"
#include "back/charge.h"
#include "back/superslab.h"
#include "back/superslab_take.h"
#include "back/superslab_claim.h"
#include "back/superslab_trim.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "os/vm.h"
#include "support/options.h"

#include "tests/unit/unit.h"

#define UNITS_MAX 65536

static char nobody;
/* The shadow of the heap's units; by test thread only. */
static bool taken[UNITS_MAX], dirty[UNITS_MAX];

static void set_up(void)
{
	size_class_init();
	ck_assert_int_eq(reservation_init(&nobody), 0);
}

static uint32_t take_kind(unsigned units, unsigned alignment, unsigned kind)
{
	bool zeroed = false, was_dirty = false;
	uint32_t first = superslab_take_slab(units, alignment, 0, kind, &zeroed), i;

	ck_assert_uint_ne(first, UNIT_NONE);
	ck_assert_uint_le(first + units, UNITS_MAX);
	ck_assert_uint_eq(first % alignment, 0);
	ck_assert_uint_eq(
		(uintptr_t)reservation_unit_start(first) % (alignment * UNIT_SIZE), 0);
	ck_assert_uint_eq(first / SUPERSLAB_UNITS, (first + units - 1) / SUPERSLAB_UNITS);
	for (i = first; i < first + units; i++) {
		ck_assert(!taken[i]);
		taken[i] = true;
		was_dirty |= dirty[i];
		dirty[i] = true;
	}
	ck_assert_int_eq(zeroed, !was_dirty);
	return first;
}

static uint32_t take(unsigned units, unsigned alignment)
{
	return take_kind(units, alignment, 0);
}

static void put(uint32_t first, unsigned units)
{
	memset(taken + first, 0, units);
	superslab_put_slab(first, units);
}

static size_t trim(void)
{
	size_t bytes = 0, unit;

	for (unit = 0; unit < UNITS_MAX; unit++)
		if (dirty[unit] && !taken[unit]) {
			dirty[unit] = false;
			bytes += UNIT_SIZE;
		}
	ck_assert_uint_eq(superslab_trim(), bytes);
	return bytes;
}

/* Every superslab's own account is the shadow's. */
static void check_records(void)
{
	uint32_t unit, end = superslab_count() * SUPERSLAB_UNITS;

	for (unit = 0; unit < end; unit++) {
		const struct superslab *superslab = superslab_at(unit / SUPERSLAB_UNITS);
		uint32_t bit = (uint32_t)1 << unit % SUPERSLAB_UNITS;

		ck_assert_int_eq(!(superslab->units & bit), taken[unit]);
		ck_assert_int_eq(!!(superslab->dirty & bit), dirty[unit]);
		ck_assert_int_eq(!!(superslab->populated & bit), dirty[unit]);
		ck_assert_uint_eq(superslab->units >> SUPERSLAB_UNITS, 0);
	}
}

/* _i: units - 1 */
START_TEST(runs_of_every_length_and_alignment_are_disjoint_and_aligned)
{
	unsigned units = (unsigned)_i + 1, alignment, round;

	for (alignment = 1; alignment <= SUPERSLAB_UNITS; alignment *= 2)
		for (round = 0; round < 40; round++)
			take(units, alignment);
	check_records();
}
END_TEST

START_TEST(units_can_be_written_from_end_to_end)
{
	unsigned units;

	for (units = 1; units <= SUPERSLAB_UNITS; units++) {
		char *start = reservation_unit_start(take(units, 1));

		ck_assert(unit_is_zero(start, units * UNIT_SIZE));
		memset(start, 0xee, units * UNIT_SIZE);
	}
}
END_TEST

#define SOME_UNITS (8 * SUPERSLAB_UNITS)

static void take_some(uint32_t *firsts, unsigned units)
{
	size_t i;

	for (i = 0; i < SOME_UNITS / units; i++)
		firsts[i] = take(units, 1);
	ck_assert_uint_eq(charge_taken_bytes(), SOME_UNITS * UNIT_SIZE);
	ck_assert_uint_eq(superslab_count(), SOME_UNITS / SUPERSLAB_UNITS);
}

START_TEST(what_is_put_can_be_taken_again)
{
	static uint32_t firsts[SOME_UNITS];
	size_t i;
	unsigned units;

	for (units = 1; units <= SUPERSLAB_UNITS; units *= 2) {
		take_some(firsts, units);
		for (i = 0; i < SOME_UNITS / units; i++)
			put(firsts[i], units);
		ck_assert_uint_eq(charge_taken_bytes(), 0);
	}
}
END_TEST

/* The first chunk has four superslabs. */
/* What is opened and not used is in the way of the program's own mappings, and is locked. */
START_TEST(no_more_is_opened_ahead_than_an_eighth_of_what_is_taken)
{
	unsigned i;

	for (i = 1; i < GiB / SUPERSLAB_SIZE; i++) {
		take(SUPERSLAB_UNITS, 1);
		ck_assert_uint_le(reservation_opened_bytes(),
				  i * SUPERSLAB_SIZE * 9 / 8 + 2 * SUPERSLAB_SIZE);
	}
}
END_TEST

/* The helper fills what is open and taken by nobody. */
START_TEST(from_16_mib_on_something_is_always_open_ahead)
{
	unsigned i;

	for (i = 1; i < GiB / SUPERSLAB_SIZE; i++) {
		take(SUPERSLAB_UNITS, 1);
		if (i > 16 * MiB / SUPERSLAB_SIZE)
			ck_assert_uint_gt(reservation_opened_bytes(), i * SUPERSLAB_SIZE);
	}
}
END_TEST

START_TEST(the_fullest_superslab_is_taken_from_first)
{
	uint32_t full = take(31, 1), half = take(16, 1), next;

	ck_assert_uint_ne(full / SUPERSLAB_UNITS, half / SUPERSLAB_UNITS);
	next = take(1, 1);
	ck_assert_uint_eq(next / SUPERSLAB_UNITS, full / SUPERSLAB_UNITS);
	next = take(1, 1);
	ck_assert_uint_eq(next / SUPERSLAB_UNITS, half / SUPERSLAB_UNITS);
}
END_TEST

START_TEST(a_unit_that_was_of_the_kind_goes_first)
{
	uint32_t full = take_kind(30, 1, 7), low = take_kind(1, 1, 3), high = take_kind(1, 1, 5);
	uint32_t other = take_kind(1, 1, 9);

	ck_assert_uint_ne(full / SUPERSLAB_UNITS, other / SUPERSLAB_UNITS);
	put(low, 1);
	put(high, 1);
	put(other, 1);
	ck_assert_uint_eq(take_kind(1, 1, 9), other);
	ck_assert_uint_eq(take_kind(1, 1, 3), low);
	ck_assert_uint_eq(take_kind(1, 1, 5), high);
}
END_TEST

START_TEST(else_one_of_the_nearest_kind_in_the_fullest_superslab)
{
	uint32_t full = take_kind(30, 1, 7), low = take_kind(1, 1, 3), high = take_kind(1, 1, 5);
	uint32_t other = take_kind(1, 1, 9);

	put(low, 1);
	put(high, 1);
	put(other, 1);
	ck_assert_uint_eq(take_kind(1, 1, 8), high);
	ck_assert_uint_eq(take_kind(1, 1, 8), low);
	ck_assert_uint_eq(take_kind(1, 1, 8), other);
	put(full, 30);
}
END_TEST

START_TEST(a_unit_that_was_of_the_kind_and_has_no_pages_any_more_is_one_of_many)
{
	uint32_t full = take_kind(30, 1, 7), low = take_kind(1, 1, 3), high = take_kind(1, 1, 5);

	put(low, 1);
	trim();
	put(high, 1);
	ck_assert_uint_eq(take_kind(1, 1, 3), high);
	put(full, 30);
}
END_TEST

START_TEST(the_most_aligned_units_are_left_to_those_who_need_them)
{
	uint32_t single = take(1, 1), aligned = take(16, 16);

	ck_assert_uint_eq(single / SUPERSLAB_UNITS, aligned / SUPERSLAB_UNITS);
	ck_assert_uint_eq(aligned % SUPERSLAB_UNITS, 0);
}
END_TEST

/* One superslab could serve both, but then it could not serve an alignment of its size. */
START_TEST(an_aligned_run_is_where_it_is_no_more_aligned_than_asked_for)
{
	uint32_t half = take(1, 16), first = take(1, 32), second = take(1, 32);

	ck_assert_uint_eq(half % SUPERSLAB_UNITS, 16);
	put(first, 1);
	ck_assert_uint_eq(take(1, 16) - second, 16);
	ck_assert_uint_eq(take(1, 32), first);
}
END_TEST

struct run {
	uint32_t first;
	unsigned units;
};

#define RUNS 400

START_TEST(random_taking_and_putting_agrees_with_a_shadow)
{
	struct unit_random random = unit_random_begin();
	static struct run runs[RUNS];
	unsigned round;

	for (round = 0; round < 100000; round++) {
		struct run *run = &runs[unit_random_between(&random, 0, RUNS - 1)];

		if (run->units) {
			put(run->first, run->units);
			run->units = 0;
		} else {
			size_t shape = unit_random_next(&random);
			unsigned most = shape & 1 ? 4 : shape & 6 ? 16 : SUPERSLAB_UNITS;

			run->units = (unsigned)unit_random_between(&random, 1, most);
			run->first = take(run->units,
					  1u << unit_random_between(&random, 0, 5));
		}
		if (round % 1000 == 0)
			check_records();
	}
	check_records();
}
END_TEST

/* Every run is written all over; take() compares the flag with the shadow. */
START_TEST(a_run_is_zeroed_the_first_time_and_after_a_trim)
{
	struct unit_random random = unit_random_begin();
	struct run runs[40] = { { 0 } };
	unsigned round;

	for (round = 0; round < 3000; round++) {
		struct run *run = &runs[unit_random_between(&random, 0, 39)];
		bool was_zeroed = true;
		unsigned i;

		if (run->units) {
			ck_assert(unit_is_filled(reservation_unit_start(run->first),
						 run->units * UNIT_SIZE, run->first));
			put(run->first, run->units);
			run->units = 0;
		} else {
			static bool before[UNITS_MAX];

			memcpy(before, dirty, sizeof(before));
			run->units = (unsigned)unit_random_between(&random, 1, 8);
			run->first = take(run->units, 1);
			for (i = 0; i < run->units; i++)
				was_zeroed &= !before[run->first + i];
			if (was_zeroed)
				ck_assert(unit_is_zero(reservation_unit_start(run->first),
						       run->units * UNIT_SIZE));
			unit_fill(reservation_unit_start(run->first),
				  run->units * UNIT_SIZE, run->first);
		}
		if (round % 100 == 0)
			trim();
	}
}
END_TEST

START_TEST(a_second_trim_finds_nothing)
{
	uint32_t kept = take(3, 1), first = take(20, 1);

	put(first, 20);
	ck_assert_uint_eq(trim(), 20 * UNIT_SIZE);
	ck_assert_uint_eq(trim(), 0);
	put(kept, 3);
	ck_assert_uint_eq(trim(), 3 * UNIT_SIZE);
	check_records();
}
END_TEST

START_TEST(claimed_units_are_taken_by_nobody)
{
	uint32_t first = take(32, 1), index = first / SUPERSLAB_UNITS, other;

	put(first, 32);
	ck_assert_uint_eq(superslab_claim(index, 0xffff), 0xffff);
	ck_assert_uint_eq(superslab_claim(index, 0xffff), 0);
	other = take(16, 1);
	ck_assert_uint_eq(other, first + 16);
	put(other, 16);
	other = take(32, 1);
	ck_assert_uint_ne(other, first);
	put(other, 32);
	superslab_claim_put(index, 0xffff, 0);
	ck_assert_uint_eq(superslab_free_units(index), SUPERSLAB_ALL_UNITS);
}
END_TEST

START_TEST(units_that_were_released_have_no_pages_any_more)
{
	uint32_t first = take(32, 1), index = first / SUPERSLAB_UNITS, unit;

	put(first, 32);
	ck_assert_uint_eq(superslab_claim(index, 0xff), 0xff);
	superslab_claim_put(index, 0xff, 0x0f);
	for (unit = 0; unit < 4; unit++)
		dirty[first + unit] = false;
	check_records();
	ck_assert_uint_eq(superslab_claim(index, 0xff), 0xf0);
	superslab_claim_put(index, 0xf0, 0);
	ck_assert_uint_eq(take(28, 1), first + 4);
	ck_assert_uint_eq(take(4, 1), first);
}
END_TEST

START_TEST(what_was_away_is_free_in_a_forks_child)
{
	uint32_t first = take(32, 1), index = first / SUPERSLAB_UNITS;

	put(first, 32);
	superslab_claim(index, 0xff);
	lock_take(superslab_fork_lock());
	superslab_after_fork_in_child();
	lock_put(superslab_fork_lock());
	ck_assert_uint_eq(take(32, 1), first);
	check_records();
}
END_TEST

/* Of a superslab's record, the page in its middle: those of others do not reach there. */
static bool has_record(uint32_t superslab)
{
	unsigned char present = 0;
	uintptr_t middle = (uintptr_t)superslab_at(superslab) + SUPERSLAB_RECORD_BYTES / 2;

	ck_assert_int_eq(mincore((void *)(middle & ~((uintptr_t)vm_page_size() - 1)), 1, &present),
			 0);
	return present & 1;
}

START_TEST(records_of_the_next_superslabs_come_ahead_once_each)
{
	struct populate_records records = { 0 };
	struct chunk chunk;
	uint32_t i;

	if (unit_skip_if(vm_page_size() > 4 * KiB, "a page holds parts of several records"))
		return;
	ck_assert_int_eq(reservation_open(GiB >> UNIT_SHIFT, CHUNK_SLABS, 0, &chunk), 0);
	/* One huge page would hold them all. */
	ck_assert_int_eq(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0), 0);
	take(1, 1);
	populate_records_tick(&records, 3, 4);
	ck_assert(has_record(3) && !has_record(5));
	/* One in four of those that there are. */
	populate_records_tick(&records, 40, 400);
	ck_assert(!has_record(37));
	for (i = 40; i < 50; i++)
		ck_assert_msg(has_record(i), "%u", i);
	ck_assert(!has_record(52));
	ck_assert_uint_eq(records.next, 50);
	/* Not one by one, unless it is the last of its chunk. */
	populate_records_tick(&records, 41, 400);
	ck_assert_uint_eq(records.next, 50);
	populate_records_tick(&records, 50, 51);
	ck_assert_uint_eq(records.next, 51);
	/* Never more than that. */
	populate_records_tick(&records, 200, 400);
	ck_assert(has_record(200) && has_record(231) && !has_record(234));
	ck_assert_uint_eq(records.next, 232);
	populate_records_touch(150);
	ck_assert(has_record(150) && !has_record(152));
}
END_TEST

START_TEST(the_hard_limit_counts_units_taken)
{
	bool zeroed;
	uint32_t first;

	options.limit_hard_bytes = SUPERSLAB_SIZE;
	first = take(31, 1);
	ck_assert_uint_eq(superslab_take_slab(2, 1, 0, 0, &zeroed), UNIT_NONE);
	ck_assert_uint_eq(charge_taken_bytes(), 31 * UNIT_SIZE);
	take(1, 1);
	ck_assert_uint_eq(superslab_take_slab(1, 1, 0, 0, &zeroed), UNIT_NONE);
	put(first, 31);
	take(31, 1);
}
END_TEST

int main(void)
{
	TCase *tcase = unit_begin("superslab");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_loop_test(tcase,
			    runs_of_every_length_and_alignment_are_disjoint_and_aligned,
			    0, SUPERSLAB_UNITS);
	tcase_add_test(tcase, units_can_be_written_from_end_to_end);
	tcase_add_test(tcase, what_is_put_can_be_taken_again);
	tcase_add_test(tcase, the_fullest_superslab_is_taken_from_first);
	tcase_add_test(tcase, a_unit_that_was_of_the_kind_goes_first);
	tcase_add_test(tcase, else_one_of_the_nearest_kind_in_the_fullest_superslab);
	tcase_add_test(tcase,
		       a_unit_that_was_of_the_kind_and_has_no_pages_any_more_is_one_of_many);
	tcase_add_test(tcase, the_most_aligned_units_are_left_to_those_who_need_them);
	tcase_add_test(tcase, an_aligned_run_is_where_it_is_no_more_aligned_than_asked_for);
	tcase_add_test(tcase, no_more_is_opened_ahead_than_an_eighth_of_what_is_taken);
	tcase_add_test(tcase, from_16_mib_on_something_is_always_open_ahead);
	tcase_add_test(tcase, random_taking_and_putting_agrees_with_a_shadow);
	tcase_add_test(tcase, a_run_is_zeroed_the_first_time_and_after_a_trim);
	tcase_add_test(tcase, a_second_trim_finds_nothing);
	tcase_add_test(tcase, claimed_units_are_taken_by_nobody);
	tcase_add_test(tcase, units_that_were_released_have_no_pages_any_more);
	tcase_add_test(tcase, what_was_away_is_free_in_a_forks_child);
	tcase_add_test(tcase, records_of_the_next_superslabs_come_ahead_once_each);
	tcase_add_test(tcase, the_hard_limit_counts_units_taken);
	return unit_end();
}
