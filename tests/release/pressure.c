/* SPDX-License-Identifier: MIT */
/*
 * How scarce memory is said to be, by numbers, and that what this machine has can be read.
 */
#include <config.h>

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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
	struct pressure pressure = { .usage = -1, .high = -1, .max = -1, .stall = -1 };

	ck_assert_int_eq(pressure_read(&pressure, 5000000000), PRESSURE_NONE);
}
END_TEST

/* A file as the kernel's, for a number. */
static int file_of(const char *text)
{
	int file = memfd_create("number", 0);

	ck_assert_int_ge(file, 0);
	ck_assert_int_eq(write(file, text, strlen(text)), (ssize_t)strlen(text));
	return file;
}

START_TEST(near_the_limit_there_is_no_room_to_bring_anything)
{
	struct pressure pressure = { .high = -1, .stall = -1 };
	uint64_t second = 1000000000;

	pressure.max = file_of("800000000\n");
	pressure.usage = file_of("100000000\n");
	ck_assert_uint_eq(pressure_room(&pressure, second), 600000000);
	ck_assert_int_eq(pwrite(pressure.usage, "710000000\n", 10, 0), 10);
	/* Not asked again at once. */
	ck_assert_uint_eq(pressure_room(&pressure, second + 1000), 600000000);
	ck_assert_uint_eq(pressure_room(&pressure, 2 * second), 0);
	pressure.max = file_of("max\n");
	ck_assert_uint_eq(pressure_room(&pressure, 3 * second), SIZE_MAX);
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
	tcase_add_test(tcase, near_the_limit_there_is_no_room_to_bring_anything);
	return unit_end();
}
