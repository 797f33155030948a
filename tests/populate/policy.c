/* SPDX-License-Identifier: MIT */
/*
 * The policy of the stock, numbers in and numbers out: no kernel, no clock, no heap. Linked
 * with the core library.
 */
#include <config.h>

#include <check.h>
#include <stdlib.h>

#include "upkeep/populate_policy.h"

#define MS 1000000ull

enum { PLENTY = 100000, MOST_WAKEUPS = 2 };

static struct populate_policy policy;
static struct populate_demand demand;
static uint64_t now;

static void set_up(void)
{
	policy = (struct populate_policy){ 0 };
	demand = (struct populate_demand){ 0, 0, PLENTY };
	now = 1000 * MS;
	populate_policy_tick(&policy, now, demand);
}

/* One tick later, so many were taken, and the stock did not have some of them. */
static void tick(uint64_t ms, uint32_t taken, uint32_t missed)
{
	now += ms * MS;
	demand.taken += taken;
	demand.missed += missed;
	populate_policy_tick(&policy, now, demand);
}

START_TEST(nobody_who_needs_nothing_has_a_stock)
{
	tick(1, 0, 0);
	tick(1000, 0, 0);
	ck_assert_uint_eq(policy.target, 0);
}
END_TEST

START_TEST(it_doubles_while_threads_outrun_it)
{
	uint32_t before;

	tick(1, 2, 2);
	ck_assert_uint_gt(policy.target, 0);
	before = policy.target;
	tick(10, 5, 1);
	ck_assert_uint_eq(policy.target, 2 * before);
	tick(10, 5, 5);
	ck_assert_uint_eq(policy.target, 4 * before);
}
END_TEST

/* The kernel populates what a program takes that slowly, and nothing lies beside it. */
START_TEST(a_program_that_grows_slowly_has_none)
{
	for (int i = 0; i < 100; i++) {
		tick(10, 1, 1);
		ck_assert_uint_eq(policy.target, 0);
		ck_assert(!populate_policy_grows_fast(&policy));
	}
	for (int i = 0; i < 100; i++)
		tick(1, i % 5 == 0, i % 5 == 0);
	ck_assert_uint_gt(policy.target, 0);
	for (int i = 0; i < 3; i++)
		tick(10, 1, 1);
	ck_assert_uint_eq(policy.target, 0);
}
END_TEST

START_TEST(it_shrinks_to_the_pace_of_a_slow_program)
{
	tick(1, 2, 2);
	for (int i = 0; i < 5; i++)
		tick(1, 2, 2);
	ck_assert_uint_gt(policy.target, 8);
	for (int i = 0; i < 60; i++)
		tick(6, 1, 0);
	ck_assert_uint_le(policy.target, 6);
	/* one taken each ms: sixteen of them in the time that a refill may take */
	for (int i = 0; i < 300; i++)
		tick(1, 1, i % 8 == 0);
	ck_assert_uint_ge(policy.target, 16);
}
END_TEST

START_TEST(it_stays_while_the_stock_suffices)
{
	uint32_t before;

	tick(1, 2, 2);
	before = policy.target;
	for (int i = 0; i < 100; i++)
		tick(10, 3, 0);
	ck_assert_uint_eq(policy.target, before);
}
END_TEST

START_TEST(it_is_bounded_by_what_may_be_brought)
{
	for (demand.most = 0; demand.most < 40; demand.most++) {
		for (int i = 0; i < 20; i++)
			tick(1, 100, 100);
		ck_assert_uint_le(policy.target, demand.most);
		ck_assert_uint_eq(policy.target > 0, demand.most > 0);
	}
}
END_TEST

START_TEST(it_never_asks_for_more_than_the_stock_has_slots)
{
	demand.most = UINT32_MAX / 2;
	for (int i = 0; i < 100; i++)
		tick(1, 1000, 1000);
	ck_assert_uint_le(policy.target, 64);
}
END_TEST

START_TEST(it_is_quiet_after_half_a_second)
{
	for (int i = 0; i < 3; i++)
		tick(1, 9, 9);
	tick(400, 0, 0);
	ck_assert_uint_eq(policy.target, 0);
	ck_assert(!populate_policy_is_quiet(&policy, now));
	tick(200, 0, 0);
	ck_assert(populate_policy_is_quiet(&policy, now));
}
END_TEST

START_TEST(it_remembers_what_it_was)
{
	uint32_t first, high;

	tick(1, 2, 2);
	first = policy.target;
	for (int i = 0; i < 3; i++)
		tick(1, 9, 9);
	high = policy.target;
	tick(600, 0, 0);
	tick(5000, 1, 1);
	tick(1, 2, 2);
	ck_assert_uint_gt(policy.target, first);
	ck_assert_uint_le(policy.target, high);
}
END_TEST

/* Seconds of doing what it says, from the last demand on. */
static unsigned int wakeups_in(uint64_t ms)
{
	uint64_t end = now + ms * MS;
	unsigned int count = 0;

	for (; now < end; count++) {
		uint64_t sleep_ns;

		populate_policy_tick(&policy, now, demand);
		sleep_ns = populate_policy_sleep(&policy, now, 0);
		ck_assert_uint_gt(sleep_ns, 0);
		now += sleep_ns;
	}
	return count;
}

START_TEST(it_sleeps_shortly_in_a_burst_and_long_when_idle)
{
	tick(1, 9, 9);
	ck_assert_uint_le(populate_policy_sleep(&policy, now, 0), 2 * MS);
	wakeups_in(1000);
	ck_assert_uint_le(wakeups_in(10000), 10 * MOST_WAKEUPS);
	ck_assert_uint_ge(populate_policy_sleep(&policy, now, 0), POPULATE_LONG_SLEEP_NS);
	tick(1, 9, 9);
	ck_assert_uint_le(populate_policy_sleep(&policy, now, 0), 2 * MS);
}
END_TEST

/* Others have it look up sooner than it would by itself. */
START_TEST(it_sleeps_however_often_it_is_woken)
{
	tick(1, 9, 9);
	for (int i = 0; i < 400; i++) {
		tick(1, 0, 0);
		ck_assert_uint_gt(populate_policy_sleep(&policy, now, 0), 0);
	}
}
END_TEST

START_TEST(it_does_not_sleep_while_it_is_behind)
{
	tick(1, 9, 9);
	ck_assert_uint_eq(populate_policy_sleep(&policy, now, 1), 0);
}
END_TEST

static uint64_t cost_of(enum populate_pages pages, uint64_t huge_us, uint64_t small_us)
{
	return (pages == POPULATE_HUGE ? huge_us : small_us) * 1000;
}

/* As many superslabs as it chooses to fill, at these costs; returns how many were huge. */
static unsigned int fill(unsigned int superslabs, uint64_t huge_us, uint64_t small_us)
{
	unsigned int huge = 0;

	for (unsigned int i = 0; i < superslabs; i++) {
		enum populate_pages pages = populate_policy_choose(&policy);

		huge += pages == POPULATE_HUGE;
		populate_policy_note_cost(&policy, pages, cost_of(pages, huge_us, small_us));
	}
	return huge;
}

START_TEST(cheap_huge_pages_stay)
{
	populate_policy_expect_small(&policy, 900 * 1000);
	ck_assert_uint_eq(fill(1000, 250, 900), 1000);
}
END_TEST

START_TEST(one_slow_huge_page_changes_nothing)
{
	populate_policy_expect_small(&policy, 900 * 1000);
	for (int i = 0; i < 100; i++) {
		fill(9, 250, 900);
		ck_assert_uint_eq(fill(1, 7000, 900), 1);
	}
	ck_assert_int_eq(policy.pages, POPULATE_HUGE);
}
END_TEST

START_TEST(small_pages_are_taken_where_huge_ones_are_slow)
{
	populate_policy_expect_small(&policy, 900 * 1000);
	ck_assert_uint_le(fill(5, 5600, 900), 3);
	ck_assert_int_eq(policy.pages, POPULATE_SMALL);
	/* and asks again, ever more seldom */
	ck_assert_uint_le(fill(1000, 5600, 900), 12);
	ck_assert_int_eq(policy.pages, POPULATE_SMALL);
}
END_TEST

START_TEST(huge_pages_return_when_they_are_cheap_again)
{
	populate_policy_expect_small(&policy, 900 * 1000);
	fill(100, 5600, 900);
	fill(300, 250, 900);
	ck_assert_int_eq(policy.pages, POPULATE_HUGE);
}
END_TEST

/* All memory has to come from the host: then nothing is won by small pages. */
START_TEST(where_all_pages_are_slow_they_are_huge)
{
	populate_policy_expect_small(&policy, 900 * 1000);
	fill(1000, 5600, 6500);
	ck_assert_int_eq(policy.pages, POPULATE_HUGE);
	ck_assert_uint_ge(fill(1000, 5600, 6500), 980);
}
END_TEST

START_TEST(nothing_is_advised_after_one_slow_page)
{
	populate_policy_expect_small(&policy, 900 * 1000);
	ck_assert(!populate_policy_saw_cheap_huge(&policy, policy.seen_ns, UINT64_MAX));
	fill(1, 5600, 900);
	ck_assert(!populate_policy_saw_cheap_huge(&policy, policy.seen_ns, UINT64_MAX));
	fill(4, 5600, 900);
	ck_assert(!populate_policy_saw_cheap_huge(&policy, policy.seen_ns, UINT64_MAX));
	ck_assert_int_eq(policy.pages, POPULATE_SMALL);
}
END_TEST

START_TEST(a_huge_page_that_was_cheap_counts_for_a_moment)
{
	populate_policy_expect_small(&policy, 900 * 1000);
	ck_assert(!populate_policy_saw_cheap_huge(&policy, now, 100 * MS));
	fill(1, 250, 900);
	ck_assert(populate_policy_saw_cheap_huge(&policy, now, 100 * MS));
	ck_assert(!populate_policy_saw_cheap_huge(&policy, now + 200 * MS, 100 * MS));
	fill(1, 5600, 900);
	ck_assert(!populate_policy_saw_cheap_huge(&policy, now, 100 * MS));
}
END_TEST

START_TEST(an_option_decides_the_pages_for_good)
{
	populate_policy_fix_pages(&policy, POPULATE_SMALL);
	ck_assert_uint_eq(fill(1000, 100, 900), 0);
	populate_policy_fix_pages(&policy, POPULATE_HUGE);
	ck_assert_uint_eq(fill(1000, 9000, 900), 1000);
}
END_TEST

/* How many of so many ticks it may not fill, all of them with such demand. */
static unsigned int rests(unsigned int ticks, uint32_t taken, uint32_t missed)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < ticks; i++) {
		tick(1, taken, missed);
		count += !populate_policy_may_fill(&policy, now);
	}
	return count;
}

START_TEST(it_rests_while_it_is_outrun)
{
	ck_assert_uint_gt(rests(1000, 6, 5), 700);
}
END_TEST

START_TEST(it_works_as_long_as_it_keeps_up)
{
	ck_assert_uint_eq(rests(1000, 2, 0), 0);
	/* a little late is better than never */
	ck_assert_uint_eq(rests(1000, 4, 1), 0);
}
END_TEST

START_TEST(it_works_again_when_it_is_not_outrun_any_more)
{
	rests(1000, 6, 5);
	rests(100, 2, 0);
	ck_assert_uint_eq(rests(1000, 2, 0), 0);
}
END_TEST

START_TEST(being_kept_from_work_is_not_being_outrun)
{
	for (int i = 0; i < 100; i++) {
		tick(20, 60, 50);
		ck_assert(populate_policy_may_fill(&policy, now));
		tick(1, 2, 0);
	}
}
END_TEST

/* Then what a thread would do itself is not cheaper. */
START_TEST(it_never_rests_while_huge_pages_are_slow)
{
	populate_policy_expect_small(&policy, 900 * 1000);
	fill(10, 5600, 900);
	ck_assert_uint_eq(rests(1000, 6, 5), 0);
}
END_TEST

/* Counts of superslabs are 32 bits and wrap. */
START_TEST(counts_may_wrap)
{
	demand.taken = demand.missed = UINT32_MAX;
	populate_policy_tick(&policy, now, demand);
	tick(600, 0, 0);
	ck_assert_uint_eq(policy.target, 0);
	tick(1, 2, 2);
	ck_assert_uint_gt(policy.target, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("populate_policy");
	TCase *all = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(all, set_up, NULL);
	tcase_add_test(all, nobody_who_needs_nothing_has_a_stock);
	tcase_add_test(all, it_doubles_while_threads_outrun_it);
	tcase_add_test(all, it_shrinks_to_the_pace_of_a_slow_program);
	tcase_add_test(all, it_stays_while_the_stock_suffices);
	tcase_add_test(all, a_program_that_grows_slowly_has_none);
	tcase_add_test(all, it_is_bounded_by_what_may_be_brought);
	tcase_add_test(all, a_huge_page_that_was_cheap_counts_for_a_moment);
	tcase_add_test(all, it_never_asks_for_more_than_the_stock_has_slots);
	tcase_add_test(all, it_is_quiet_after_half_a_second);
	tcase_add_test(all, it_remembers_what_it_was);
	tcase_add_test(all, it_sleeps_shortly_in_a_burst_and_long_when_idle);
	tcase_add_test(all, it_sleeps_however_often_it_is_woken);
	tcase_add_test(all, it_does_not_sleep_while_it_is_behind);
	tcase_add_test(all, cheap_huge_pages_stay);
	tcase_add_test(all, one_slow_huge_page_changes_nothing);
	tcase_add_test(all, small_pages_are_taken_where_huge_ones_are_slow);
	tcase_add_test(all, huge_pages_return_when_they_are_cheap_again);
	tcase_add_test(all, where_all_pages_are_slow_they_are_huge);
	tcase_add_test(all, nothing_is_advised_after_one_slow_page);
	tcase_add_test(all, an_option_decides_the_pages_for_good);
	tcase_add_test(all, it_rests_while_it_is_outrun);
	tcase_add_test(all, it_works_as_long_as_it_keeps_up);
	tcase_add_test(all, it_works_again_when_it_is_not_outrun_any_more);
	tcase_add_test(all, being_kept_from_work_is_not_being_outrun);
	tcase_add_test(all, it_never_rests_while_huge_pages_are_slow);
	tcase_add_test(all, counts_may_wrap);
	suite_add_tcase(suite, all);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
