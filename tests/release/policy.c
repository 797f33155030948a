/* SPDX-License-Identifier: MIT */
/*
 * When memory goes back, numbers in and numbers out: no kernel, no clock, no heap. Linked
 * with the core library.
 */
#include <config.h>

#include <check.h>
#include <stdlib.h>

#include "upkeep/release_policy.h"

#define MS 1000000ull

enum { DECAY_MS = 1000, ALL = -1 };

static struct release_policy policy;
static uint32_t quiet[RELEASE_POLICY_LOOKS];
static uint64_t now;

static void set_up(void)
{
	release_policy_begin(&policy, RELEASE_MODE_BALANCED, DECAY_MS);
	for (unsigned int i = 0; i < RELEASE_POLICY_LOOKS; i++)
		quiet[i] = 0;
	now = 1000 * MS;
}

/* The time of the next look, at which these are idle and those were touched. */
static uint32_t look(uint32_t idle, uint32_t touched)
{
	now += release_policy_sleep(&policy, now);
	ck_assert(release_policy_look(&policy, now, policy.urgency));
	return release_policy_age(&policy, quiet, idle, touched);
}

/* How long after the look that saw it put a unit is due, while it stays idle. */
static uint64_t due_after_ms(void)
{
	uint64_t began;

	look(1, 1);
	began = now;
	while (!look(1, 0))
		ck_assert_uint_lt(now - began, 1000000 * MS);
	return (now - began) / MS;
}

START_TEST(what_stays_idle_is_due_after_the_decay)
{
	uint64_t ms = due_after_ms();

	ck_assert_uint_ge(ms, DECAY_MS - 1);
	ck_assert_uint_le(ms, DECAY_MS * 5 / 4);
}
END_TEST

START_TEST(what_is_touched_ages_anew)
{
	for (int i = 0; i < 100; i++)
		ck_assert_uint_eq(look(3, i % (RELEASE_POLICY_LOOKS - 1) == 0) & 1, 0);
	ck_assert_uint_eq(look(3, 0) & 2, 2);
}
END_TEST

START_TEST(what_was_taken_meanwhile_ages_anew)
{
	for (int i = 0; i < 100; i++)
		ck_assert_uint_eq(look(i % (RELEASE_POLICY_LOOKS - 1) != 0, 0), 0);
}
END_TEST

START_TEST(each_unit_has_its_own_age)
{
	for (unsigned int i = 0; i < RELEASE_POLICY_LOOKS - 1; i++)
		ck_assert_uint_eq(look(~0u, i == 0 ? ~0u : 1u << i), 0);
	ck_assert_uint_eq(look(~0u, 0), ~6u);
}
END_TEST

START_TEST(latency_waits_longer_and_keeps_parts)
{
	release_policy_begin(&policy, RELEASE_MODE_LATENCY, DECAY_MS);
	ck_assert(!policy.parts);
	ck_assert_uint_ge(due_after_ms(), 5 * DECAY_MS);
}
END_TEST

START_TEST(memory_waits_less_and_gives_parts)
{
	release_policy_begin(&policy, RELEASE_MODE_MEMORY, DECAY_MS);
	ck_assert(policy.parts);
	ck_assert_uint_le(due_after_ms(), DECAY_MS / 4);
}
END_TEST

START_TEST(pressure_shortens_the_decay)
{
	ck_assert(release_policy_look(&policy, now, RELEASE_SOON));
	ck_assert_uint_le(due_after_ms(), DECAY_MS / 2);
}
END_TEST

START_TEST(in_need_all_that_is_idle_is_due_at_once)
{
	ck_assert(release_policy_look(&policy, now, RELEASE_CALM));
	ck_assert(!release_policy_look(&policy, now + MS, RELEASE_CALM));
	ck_assert(release_policy_look(&policy, now + 2 * MS, RELEASE_NOW));
	ck_assert_uint_eq(release_policy_age(&policy, quiet, 5, 4), 5);
	ck_assert_uint_le(release_policy_sleep(&policy, now), 100 * MS);
}
END_TEST

START_TEST(a_decay_of_nothing_is_due_at_once)
{
	release_policy_begin(&policy, RELEASE_MODE_BALANCED, 0);
	ck_assert_uint_eq(look(7, 7), 7);
}
END_TEST

/* Missed looks are not made up for: a helper that was held up would release too early. */
START_TEST(looks_are_never_closer_than_their_distance)
{
	look(1, 1);
	now += 100000 * MS;
	ck_assert(release_policy_look(&policy, now, RELEASE_CALM));
	ck_assert(!release_policy_look(&policy, now + MS, RELEASE_CALM));
	ck_assert_uint_ge(release_policy_sleep(&policy, now), DECAY_MS / 8 * MS);
}
END_TEST

START_TEST(one_thing_ages_as_many_do)
{
	uint8_t looks = 0;

	for (int i = 0; i < RELEASE_POLICY_LOOKS - 1; i++)
		ck_assert(!release_policy_age_one(&policy, &looks));
	ck_assert(release_policy_age_one(&policy, &looks));
	ck_assert(release_policy_age_one(&policy, &looks));
	looks = 0;
	ck_assert(!release_policy_age_one(&policy, &looks));
}
END_TEST

START_TEST(its_own_time_is_bounded)
{
	ck_assert(release_policy_goes_on(now, now));
	ck_assert(!release_policy_goes_on(now, now + 10 * MS));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("release_policy");
	TCase *tcase = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, what_stays_idle_is_due_after_the_decay);
	tcase_add_test(tcase, what_is_touched_ages_anew);
	tcase_add_test(tcase, what_was_taken_meanwhile_ages_anew);
	tcase_add_test(tcase, each_unit_has_its_own_age);
	tcase_add_test(tcase, latency_waits_longer_and_keeps_parts);
	tcase_add_test(tcase, memory_waits_less_and_gives_parts);
	tcase_add_test(tcase, pressure_shortens_the_decay);
	tcase_add_test(tcase, in_need_all_that_is_idle_is_due_at_once);
	tcase_add_test(tcase, a_decay_of_nothing_is_due_at_once);
	tcase_add_test(tcase, looks_are_never_closer_than_their_distance);
	tcase_add_test(tcase, one_thing_ages_as_many_do);
	tcase_add_test(tcase, its_own_time_is_bounded);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
