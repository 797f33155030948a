/* SPDX-License-Identifier: MIT */
/*
 * wait_count.c - are waits counted, the longest to the nanosecond, the 99th percentile to an
 * eighth?
 */
#include <config.h>

#include "back/wait_count.h"

#include "tests/unit/unit.h"

START_TEST(none_is_none)
{
	struct wait_counts counts;

	wait_count_end(wait_count_begin());
	wait_count_read(&counts);
	ck_assert_uint_eq(counts.waits, 0);
	ck_assert_uint_eq(counts.p99_ns, 0);
	ck_assert_uint_eq(counts.most_ns, 0);
}
END_TEST

START_TEST(a_percentile_is_an_eighth_high_at_most)
{
	struct wait_counts counts;
	uint64_t ns = (uint64_t)1 << _i;

	/* Two in a hundred are long; the 99th percentile is one of them. */
	for (int i = 0; i < 98; i++)
		wait_count_add(ns / 2);
	wait_count_add(ns);
	wait_count_add(ns * 4);
	wait_count_read(&counts);
	ck_assert_uint_eq(counts.waits, 100);
	ck_assert_uint_eq(counts.most_ns, ns * 4);
	ck_assert_uint_ge(counts.p99_ns, ns);
	ck_assert_uint_le(counts.p99_ns, ns + ns / 8 + 1);
}
END_TEST

START_TEST(the_rare_and_longest_is_not_the_percentile)
{
	struct wait_counts counts;

	for (int i = 0; i < 1000; i++)
		wait_count_add(1000);
	wait_count_add(UINT64_MAX);
	wait_count_read(&counts);
	ck_assert_uint_eq(counts.most_ns, UINT64_MAX);
	ck_assert_uint_le(counts.p99_ns, 1126);
}
END_TEST

int main(void)
{
	TCase *tcase = unit_begin("wait_count");

	tcase_add_test(tcase, none_is_none);
	tcase_add_loop_test(tcase, a_percentile_is_an_eighth_high_at_most, 1, 44);
	tcase_add_test(tcase, the_rare_and_longest_is_not_the_percentile);
	return unit_end();
}
