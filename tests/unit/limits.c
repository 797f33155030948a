/* SPDX-License-Identifier: MIT */
/*
 * limits.c - does the heap fit into what the process is allowed, and is it NULL, and no more
 * than that, when it does not? The sanitizers need address space of their own: not there.
 */
#include <config.h>

#include <errno.h>
#include <sys/resource.h>

#include <hakmem/hakmem.h>

#include "support/compiler.h"

#include "tests/unit/unit.h"

static void limit(int which, size_t bytes)
{
	ck_assert_int_eq(setrlimit(which, &(struct rlimit){ bytes, RLIM_INFINITY }), 0);
}

#define ALLOCATED_MAX 600

static void *allocated[ALLOCATED_MAX];

static size_t allocate_until_null(size_t size)
{
	size_t count = 0;

	errno = 0;
	while (count < ALLOCATED_MAX && (allocated[count] = hak_malloc(size)) != NULL) {
		unit_fill(allocated[count], size, count);
		count++;
	}
	ck_assert(count == ALLOCATED_MAX || errno == ENOMEM);
	return count;
}

static void free_all(size_t count)
{
	while (count) {
		count--;
		ck_assert(unit_is_filled(allocated[count], 1 * MiB, count));
		hak_free(allocated[count]);
	}
}

/* _i: MiB */
START_TEST(a_small_address_space_is_used_to_a_good_part)
{
	size_t count, again;

	if (unit_skip_if(UNIT_SANITIZED, "a sanitizer maps memory of its own"))
		return;
	limit(RLIMIT_AS, (size_t)_i * MiB);
	count = allocate_until_null(1 * MiB);
	ck_assert_uint_ge(count, (size_t)_i / 4);
	free_all(count);
	again = allocate_until_null(1 * MiB);
	ck_assert_uint_eq(again, count);
	free_all(again);
	ck_assert_ptr_nonnull(hak_malloc(5 * MiB));
}
END_TEST

START_TEST(a_limit_that_comes_later_gives_null_until_it_is_lifted)
{
	size_t count;

	if (unit_skip_if(UNIT_SANITIZED, "a sanitizer maps memory of its own"))
		return;
	hak_free(hak_malloc(100));
	limit(RLIMIT_DATA, 100 * MiB);
	count = allocate_until_null(1 * MiB);
	ck_assert_uint_lt(count, 100);
	ck_assert_uint_ge(count, 50);
	ck_assert_ptr_null(hak_malloc(200 * MiB));
	free_all(count);
	ck_assert_ptr_nonnull(hak_malloc(1 * MiB));
	limit(RLIMIT_DATA, RLIM_INFINITY);
	ck_assert_ptr_nonnull(hak_malloc(200 * MiB));
	ck_assert_uint_eq(allocate_until_null(1 * MiB), ALLOCATED_MAX);
}
END_TEST

START_TEST(without_any_address_space_the_answer_is_null)
{
	if (unit_skip_if(UNIT_SANITIZED, "a sanitizer maps memory of its own"))
		return;
	limit(RLIMIT_AS, 4 * MiB);
	errno = 0;
	ck_assert_ptr_null(hak_malloc(10));
	ck_assert_int_eq(errno, ENOMEM);
	hak_free(NULL);
	limit(RLIMIT_AS, RLIM_INFINITY);
	ck_assert_ptr_nonnull(hak_malloc(10));
}
END_TEST

int main(void)
{
	TCase *tcase = unit_begin("limits");

	tcase_add_loop_test(tcase, a_small_address_space_is_used_to_a_good_part, 64, 66);
	tcase_add_loop_test(tcase, a_small_address_space_is_used_to_a_good_part, 512,
			    513);
	tcase_add_test(tcase, a_limit_that_comes_later_gives_null_until_it_is_lifted);
	tcase_add_test(tcase, without_any_address_space_the_answer_is_null);
	return unit_end();
}
