/* SPDX-License-Identifier: MIT */
/*
 * How scarce memory is said to be, by numbers, and that what this machine has can be read.
 */
#include <config.h>

#include "os/pressure.h"

#include "tests/unit/unit.h"

#define MIB ((uint64_t)1 << 20)

START_TEST(without_a_limit_and_without_stalls_there_is_none)
{
	ck_assert_int_eq(pressure_judge(0, 0, 0), PRESSURE_NONE);
	ck_assert_int_eq(pressure_judge(1000 * MIB, 0, 0), PRESSURE_NONE);
	ck_assert_int_eq(pressure_judge(100 * MIB, 1000 * MIB, 1), PRESSURE_NONE);
}
END_TEST

START_TEST(near_the_limit_it_rises)
{
	ck_assert_int_eq(pressure_judge(900 * MIB, 1000 * MIB, 0), PRESSURE_SOME);
	ck_assert_int_eq(pressure_judge(950 * MIB, 1000 * MIB, 0), PRESSURE_HIGH);
	ck_assert_int_eq(pressure_judge(2000 * MIB, 1000 * MIB, 0), PRESSURE_HIGH);
}
END_TEST

START_TEST(with_stalls_it_rises)
{
	ck_assert_int_eq(pressure_judge(0, 0, 15), PRESSURE_SOME);
	ck_assert_int_eq(pressure_judge(900 * MIB, 1000 * MIB, 50), PRESSURE_HIGH);
}
END_TEST

START_TEST(it_is_read_at_most_once_a_second)
{
	struct pressure pressure;
	uint64_t second = 1000000000;

	pressure_open(&pressure);
	pressure_read(&pressure, 10 * second);
	pressure.level = PRESSURE_HIGH;
	ck_assert_int_eq(pressure_read(&pressure, 10 * second + second / 2), PRESSURE_HIGH);
	pressure_read(&pressure, 12 * second);
	ck_assert_uint_eq(pressure.read_ns, 12 * second);
}
END_TEST

START_TEST(what_cannot_be_read_is_no_pressure)
{
	struct pressure pressure = { -1, -1, -1, -1, 0, PRESSURE_NONE };

	ck_assert_int_eq(pressure_read(&pressure, 5000000000), PRESSURE_NONE);
}
END_TEST

int main(void)
{
	TCase *tcase = unit_begin("pressure");

	tcase_add_test(tcase, without_a_limit_and_without_stalls_there_is_none);
	tcase_add_test(tcase, near_the_limit_it_rises);
	tcase_add_test(tcase, with_stalls_it_rises);
	tcase_add_test(tcase, it_is_read_at_most_once_a_second);
	tcase_add_test(tcase, what_cannot_be_read_is_no_pressure);
	return unit_end();
}
