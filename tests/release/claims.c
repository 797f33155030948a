/* SPDX-License-Identifier: MIT */
/*
 * Four threads at the same slabs: three take, fill, check and put them, one releases what is
 * free as fast as it can, on each way. No byte of what is taken is ever lost, and what is said
 * to be untouched is zero. RELEASE_OPERATIONS: how many takes and puts in all; where they are
 * many, most slabs are marked in three pages only, for page faults would be all of the time.
 */
#include <config.h>

#include <stdatomic.h>
#include <stdlib.h>

#include "back/large.h"
#include "back/release.h"
#include "upkeep/release_behind.h"
#include "back/superslab.h"
#include "back/superslab_take.h"
#include "support/options.h"

#include "tests/unit/unit.h"

#define TAKERS		 3
#define HELD		 24
#define OPERATIONS_FEW	 1000000ul
#define WHOLE_ONE_IN	 64

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

/* Is this one marked in every page? Few are in a long run. */
static bool is_whole(uint64_t random)
{
	return operations <= OPERATIONS_FEW || random % WHOLE_ONE_IN == 0;
}

/* What is checked of a range that is not marked whole: three words in pages of their own. */
static void find_words(char *start, size_t bytes, char *words[3])
{
	words[0] = start;
	words[1] = start + (bytes / 2 & ~(UNIT_SIZE / 16 - 1));
	words[2] = start + ((bytes - sizeof(uint64_t)) & ~(sizeof(uint64_t) - 1));
}

static void fill(char *start, size_t bytes, uint64_t mark, bool whole)
{
	char *words[3];
	unsigned i;

	if (whole)
		unit_fill(start, bytes, mark);
	find_words(start, bytes, words);
	for (i = 0; i < 3 && !whole; i++)
		unit_fill(words[i], sizeof(uint64_t), mark + i);
}

static bool is_filled(char *start, size_t bytes, uint64_t mark, bool whole)
{
	char *words[3];
	unsigned i;

	if (whole)
		return unit_is_filled(start, bytes, mark);
	find_words(start, bytes, words);
	for (i = 0; i < 3; i++)
		if (!unit_is_filled(words[i], sizeof(uint64_t), mark + i))
			return false;
	return true;
}

static bool is_zero(char *start, size_t bytes, bool whole)
{
	char *words[3];

	if (whole)
		return unit_is_zero(start, bytes);
	find_words(start, bytes, words);
	return unit_is_zero(words[0], sizeof(uint64_t)) &&
	       unit_is_zero(words[1], sizeof(uint64_t)) &&
	       unit_is_zero(words[2], sizeof(uint64_t));
}

struct held {
	uint32_t first;
	unsigned units;
	bool whole;
};

static void take(struct held *held, unsigned units, bool whole, uint64_t mark)
{
	bool zeroed;
	char *start;

	held->first = superslab_take_slab(units, 1, 0, 0, &zeroed);
	held->units = units;
	held->whole = whole;
	ck_assert_uint_ne(held->first, UNIT_NONE);
	start = reservation_unit_start(held->first);
	if (zeroed)
		ck_assert(is_zero(start, units * UNIT_SIZE, whole));
	fill(start, units * UNIT_SIZE, mark, whole);
}

static void put(struct held *held, uint64_t mark)
{
	ck_assert(is_filled(reservation_unit_start(held->first), held->units * UNIT_SIZE, mark,
			    held->whole));
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
			     is_whole(unit_random_next(&random)), number + 1);
	}
	for (i = 0; i < HELD; i++)
		if (all[i].units)
			put(&all[i], number + 1);
}

/* Runs that split, merge and grow beside those that are being released. */
static void take_and_put_large(unsigned number)
{
	struct unit_random random = unit_random_of_thread(shared_random, number);
	void *blocks[HELD] = { NULL };
	size_t sizes[HELD], dirty;
	bool wholes[HELD];
	unsigned long i;

	for (i = 0; i < operations / TAKERS / 4; i++) {
		size_t which = unit_random_between(&random, 0, HELD - 1);

		if (blocks[which]) {
			ck_assert(is_filled(blocks[which], sizes[which], number + 1,
					    wholes[which]));
			if (unit_random_next(&random) % 8 == 0)
				large_resize_in_place(blocks[which], sizes[which] / 2 + 1);
			ck_assert_int_eq(large_put(blocks[which]), LARGE_BLOCK);
			blocks[which] = NULL;
			continue;
		}
		wholes[which] = is_whole(unit_random_next(&random));
		sizes[which] = unit_random_between(&random, 1, 20) * UNIT_SIZE;
		blocks[which] = large_take(sizes[which], 16, &dirty);
		ck_assert_ptr_nonnull(blocks[which]);
		if (dirty < sizes[which])
			ck_assert(is_zero((char *)blocks[which] + dirty, sizes[which] - dirty,
					  wholes[which]));
		fill(blocks[which], sizes[which], number + 1, wholes[which]);
	}
	for (i = 0; i < HELD; i++)
		if (blocks[i])
			large_put(blocks[i]);
}

static void (*taker)(unsigned number) = take_and_put;

/* Every look comes at once. */
uint64_t __wrap_process_now_ns(void);

uint64_t __wrap_process_now_ns(void)
{
	static uint64_t now_ns;

	return now_ns += 1000000;
}

static void release_while_others(void)
{
	release_behind_begin(true);
	while (takers_at_work)
		release_behind_tick(RELEASE_NOW);
}

static void act(unsigned number)
{
	if (number == TAKERS) {
		release_while_others();
	} else {
		taker(number);
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

START_TEST(no_large_block_loses_anything)
{
	struct release_counts counts;

	taker = take_and_put_large;
	counts = released(0);
	ck_assert_uint_gt(counts.ring + counts.vector + counts.plain, 0);
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
	tcase_add_test(tcase, no_large_block_loses_anything);
	return unit_end();
}
