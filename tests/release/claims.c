/* SPDX-License-Identifier: MIT */
/*
 * Four threads at the same slabs: three take, fill, check and put them, one releases what is
 * free as fast as it can, on each way. No byte of what is taken is ever lost, and what is said
 * to be untouched is zero. RELEASE_OPERATIONS: how many takes and puts in all.
 */
#include <config.h>

#include <stdatomic.h>
#include <stdlib.h>

#include "back/release.h"
#include "back/release_behind.h"
#include "back/superslab.h"
#include "support/options.h"

#include "tests/unit/unit.h"

#define TAKERS		 3
#define HELD		 24
#define OPERATIONS_FEW	 1000000ul

static char nobody;
static struct unit_random shared_random;
static _Atomic unsigned takers_at_work;
static unsigned long operations;

static void set_up(void)
{
	const char *wish = getenv("RELEASE_OPERATIONS");

	operations = wish ? strtoul(wish, NULL, 10) : OPERATIONS_FEW;
	size_class_init();
	ck_assert_int_eq(reservation_init(&nobody), 0);
}

struct held {
	uint32_t first;
	unsigned units;
};

static void take(struct held *held, unsigned units, uint64_t mark)
{
	bool zeroed;
	char *start;

	held->first = superslab_take_slab(units, 1, &zeroed);
	held->units = units;
	ck_assert_uint_ne(held->first, UNIT_NONE);
	start = reservation_unit_start(held->first);
	if (zeroed)
		ck_assert(unit_is_zero(start, units * UNIT_SIZE));
	unit_fill(start, units * UNIT_SIZE, mark);
}

static void put(struct held *held, uint64_t mark)
{
	ck_assert(unit_is_filled(reservation_unit_start(held->first), held->units * UNIT_SIZE,
				 mark));
	superslab_put_slab(held->first, held->units);
	held->units = 0;
}

/* By turns few and many, so that superslabs become free whole and in part. */
static void take_and_put(unsigned number)
{
	struct unit_random random = unit_random_of_thread(shared_random, number);
	struct held all[HELD] = { { 0 } };
	unsigned long i;

	for (i = 0; i < operations / TAKERS; i++) {
		size_t most = i / 4096 % 2 ? 3 : HELD - 1;
		struct held *held = &all[unit_random_between(&random, 0, most)];

		if (held->units)
			put(held, number + 1);
		else
			take(held, (unsigned)unit_random_between(&random, 1, 1) +
					   (unsigned)(unit_random_next(&random) % 64 == 0) * 15,
			     number + 1);
	}
	for (i = 0; i < HELD; i++)
		if (all[i].units)
			put(&all[i], number + 1);
}

/* Every look comes at once. */
static uint64_t hurried_clock(void)
{
	static uint64_t now_ns;

	return now_ns += 1000000;
}

static void release_while_others(void)
{
	release_behind_begin(hurried_clock, true);
	while (takers_at_work)
		release_behind_tick(RELEASE_NOW);
}

static void act(unsigned number)
{
	if (number == TAKERS) {
		release_while_others();
	} else {
		take_and_put(number);
		takers_at_work--;
	}
}

static struct release_counts released(unsigned left_out)
{
	struct release_counts counts;

	shared_random = unit_random_begin();
	takers_at_work = TAKERS;
	release_leave_out(left_out);
	unit_threads(TAKERS + 1, act);
	release_read(&counts);
	return counts;
}

START_TEST(nothing_is_lost_by_the_ring)
{
	struct release_counts counts = released(RELEASE_VECTOR);

	ck_assert_uint_gt(counts.ring + counts.plain, 0);
}
END_TEST

START_TEST(nothing_is_lost_by_the_vector)
{
	ck_assert_uint_gt(released(RELEASE_RING).vector, 0);
}
END_TEST

START_TEST(nothing_is_lost_by_plain_calls)
{
	struct release_counts counts = released(RELEASE_RING | RELEASE_VECTOR);

	ck_assert_uint_gt(counts.plain, 0);
	ck_assert_uint_eq(counts.ring + counts.vector, 0);
}
END_TEST

int main(void)
{
	TCase *tcase = unit_begin("claims");

	tcase_set_timeout(tcase, 0);
	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, nothing_is_lost_by_the_ring);
	tcase_add_test(tcase, nothing_is_lost_by_the_vector);
	tcase_add_test(tcase, nothing_is_lost_by_plain_calls);
	return unit_end();
}
