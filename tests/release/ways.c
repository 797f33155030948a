/* SPDX-License-Identifier: MIT */
/*
 * What one way refuses goes by the next, is counted, and no byte of what is in use is lost.
 * A filter takes the calls away from the case's own process: unlike the preloaded library,
 * what is under test here does not look whether there is one.
 */
#include <config.h>

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <kmod-free-helpers/madvise_ring.h>
#include <kmod-free-helpers/madvise_vector.h>

#include "back/release.h"
#include "upkeep/release_behind.h"
#include "back/superslab.h"
#include "back/superslab_take.h"
#include "support/options.h"

#include "tests/refused/filter.h"
#include "tests/unit/unit.h"

#define SLABS		256
#define SLAB_UNITS	4u
#define SLAB_BYTES	(SLAB_UNITS * UNIT_SIZE)
#define WHOLE		192	/* freed one and all; of the rest every second stays */
#define FREED		((SLABS + WHOLE) / 2)
#define NOBODY		65534
#define ROUNDS_MOST	20000

static char nobody;
static uint32_t slabs[SLABS];

static bool stays(unsigned slab)
{
	return slab >= WHOLE && slab % 2;
}

static void set_up(void)
{
	unsigned i;
	bool zeroed;

	size_class_init();
	ck_assert_int_eq(reservation_init(&nobody), 0);
	for (i = 0; i < SLABS; i++) {
		slabs[i] = superslab_take_slab(SLAB_UNITS, 1, 0, 0, &zeroed);
		ck_assert_uint_ne(slabs[i], UNIT_NONE);
		unit_fill(reservation_unit_start(slabs[i]), SLAB_BYTES, i);
	}
}

/* False: the kernel refuses filters, and there is nothing to ask. */
static bool refuse(const char *what)
{
	struct filter filter = { .length = 0 };

	ck_assert(filter_add(&filter, what));
	return filter_install(&filter);
}

/* Every look comes at once. */
uint64_t __wrap_process_now_ns(void);

uint64_t __wrap_process_now_ns(void)
{
	static uint64_t now_ns;

	return now_ns += 1000000;
}

static size_t by_all_ways(const struct release_counts *counts)
{
	return counts->ring + counts->vector + counts->plain;
}

static struct release_counts release_all(void)
{
	struct release_counts counts;
	unsigned rounds = 0;

	do {
		release_behind_tick(RELEASE_NOW);
		release_read(&counts);
		usleep(100);
	} while ((by_all_ways(&counts) < FREED * SLAB_BYTES || counts.in_flight) &&
		 rounds++ < ROUNDS_MOST);
	return counts;
}

static void expect_slabs_whole(void)
{
	unsigned i;

	for (i = 0; i < SLABS; i++)
		if (stays(i))
			ck_assert(unit_is_filled(reservation_unit_start(slabs[i]), SLAB_BYTES, i));
		else
			ck_assert(unit_is_zero(reservation_unit_start(slabs[i]), SLAB_BYTES));
}

static void free_slabs(void)
{
	unsigned i;

	for (i = 0; i < SLABS; i++)
		if (!stays(i))
			superslab_put_slab(slabs[i], SLAB_UNITS);
}

static struct release_counts give_back(void)
{
	struct release_counts counts;

	free_slabs();
	counts = release_all();
	ck_assert_uint_eq(by_all_ways(&counts), FREED * SLAB_BYTES);
	expect_slabs_whole();
	return counts;
}

/* With what is refused before the ways are opened. */
static struct release_counts give_back_without(const char *what)
{
	if (!refuse(what))
		_exit(EXIT_SUCCESS);
	release_behind_begin(true);
	return give_back();
}

/* Before Linux 6.13 there is no such call on oneself. */
static bool has_no_vector(void)
{
	struct madvise_vector vector;
	bool has = madvise_vector_open(&vector) == 0;

	return unit_skip_if(!has, "this kernel takes no vector of a process's own ranges");
}

static void expect_no_ring(struct release_counts counts)
{
	ck_assert_uint_eq(counts.ring, 0);
	ck_assert_uint_eq(counts.vector, FREED * SLAB_BYTES);
	ck_assert_uint_eq(counts.refused, 1);
}

/* Not where hakmem was built without liburing, for one. */
static bool has_ring(void)
{
	static struct madvise_ring ring;
	bool has = madvise_ring_open(&ring) == 0;

	return has;
}

static void expect_no_vector(struct release_counts counts)
{
	ck_assert_uint_gt(counts.plain, 0);
	ck_assert_uint_eq(counts.vector, 0);
	ck_assert_uint_eq(counts.refused, has_ring() ? 1 : 2);
}

START_TEST(where_rings_are_forbidden_a_vector_takes_all)
{
	if (has_no_vector())
		return;
	expect_no_ring(give_back_without("io_uring=EPERM"));
}
END_TEST

START_TEST(where_the_kernel_has_no_rings_a_vector_takes_all)
{
	if (has_no_vector())
		return;
	expect_no_ring(give_back_without("io_uring=ENOSYS"));
}
END_TEST

START_TEST(where_a_ring_may_lock_no_memory_a_vector_takes_all)
{
	if (has_no_vector())
		return;
	expect_no_ring(give_back_without("io_uring=ENOMEM"));
}
END_TEST

START_TEST(where_vectors_are_forbidden_plain_calls_take_parts)
{
	expect_no_vector(give_back_without("process_madvise=EPERM"));
}
END_TEST

/* As before Linux 6.13. */
START_TEST(where_vectors_are_for_others_plain_calls_take_parts)
{
	expect_no_vector(give_back_without("process_madvise=EINVAL"));
}
END_TEST

START_TEST(without_rings_and_vectors_plain_calls_take_all)
{
	struct release_counts counts;

	ck_assert(refuse("process_madvise=ENOSYS"));
	counts = give_back_without("io_uring=ENOSYS");
	ck_assert_uint_eq(counts.plain, FREED * SLAB_BYTES);
	ck_assert_uint_eq(counts.refused, 2);
}
END_TEST

/* Refused when the ring and the vector are open already: seen at the first use. */
START_TEST(a_ring_and_a_vector_that_fail_later_are_made_up_for)
{
	struct release_counts counts;

	release_behind_begin(true);
	if (unit_skip_if(!refuse("io_uring_enter=EPERM") || !refuse("process_madvise=EPERM"),
			 "seccomp filters are refused"))
		return;
	counts = give_back();
	ck_assert_uint_eq(counts.plain, FREED * SLAB_BYTES);
	ck_assert_uint_ge(counts.refused, 2);
}
END_TEST

static bool become_nobody(void)
{
	return !geteuid() && !setgroups(0, NULL) && !setresgid(NOBODY, NOBODY, NOBODY) &&
	       !setresuid(NOBODY, NOBODY, NOBODY);
}

/* The kernel cancels what no worker can be started for. */
START_TEST(requests_cancelled_for_want_of_a_worker_are_made_up_for)
{
	struct rlimit none = { 0, 0 };
	struct release_counts counts;

	if (unit_skip_if(!become_nobody(), "only root can become nobody"))
		return;
	release_behind_begin(true);
	if (unit_skip_if(!release_has_ring(), "no io_uring here"))
		return;
	ck_assert_int_eq(setrlimit(RLIMIT_NPROC, &none), 0);
	counts = give_back();
	ck_assert_uint_eq(counts.ring, 0);
	ck_assert_uint_gt(counts.refused, 0);
	ck_assert(!release_has_ring());
}
END_TEST

START_TEST(what_every_way_refuses_stays_as_it_was)
{
	struct release_counts counts;
	unsigned i;

	options.release_by = RELEASE_BY_PLAIN;
	release_behind_begin(true);
	if (unit_skip_if(!refuse("madvise=EINVAL"), "seccomp filters are refused"))
		return;
	free_slabs();
	for (i = 0; i < 20; i++)
		release_behind_tick(RELEASE_NOW);
	release_read(&counts);
	ck_assert_uint_eq(by_all_ways(&counts), 0);
	ck_assert_uint_gt(counts.refused, 0);
	for (i = 0; i < SLABS; i++)
		ck_assert(unit_is_filled(reservation_unit_start(slabs[i]), SLAB_BYTES, i));
}
END_TEST

static void force(enum option_release_by way)
{
	options.release_by = way;
	release_behind_begin(true);
}

START_TEST(each_way_can_be_forced)
{
	enum option_release_by way = (enum option_release_by)_i;
	struct release_counts counts;

	force(way);
	counts = give_back();
	if (unit_skip_if(counts.refused, "the kernel refuses this way"))
		return;
	ck_assert_uint_eq(way == RELEASE_BY_RING ? counts.ring : way == RELEASE_BY_VECTOR ?
			  counts.vector : counts.plain, FREED * SLAB_BYTES);
}
END_TEST

int main(void)
{
	TCase *tcase = unit_begin("ways");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, where_rings_are_forbidden_a_vector_takes_all);
	tcase_add_test(tcase, where_the_kernel_has_no_rings_a_vector_takes_all);
	tcase_add_test(tcase, where_a_ring_may_lock_no_memory_a_vector_takes_all);
	tcase_add_test(tcase, where_vectors_are_forbidden_plain_calls_take_parts);
	tcase_add_test(tcase, where_vectors_are_for_others_plain_calls_take_parts);
	tcase_add_test(tcase, without_rings_and_vectors_plain_calls_take_all);
	tcase_add_test(tcase, a_ring_and_a_vector_that_fail_later_are_made_up_for);
	tcase_add_test(tcase, requests_cancelled_for_want_of_a_worker_are_made_up_for);
	tcase_add_test(tcase, what_every_way_refuses_stays_as_it_was);
	tcase_add_loop_test(tcase, each_way_can_be_forced, RELEASE_BY_RING, RELEASE_BY_PLAIN + 1);
	return unit_end();
}
