/* SPDX-License-Identifier: MIT */
/*
 * The stores between application threads and the helper: four threads push and pop at
 * once, and nothing is lost or doubled. Linked with the core library; indices here are
 * numbers, no memory is behind them.
 */
#include <config.h>

#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "back/stock.h"

enum { THREADS = 4, TOKENS = 48, ROUNDS = 300000, FRESH = 40000, TIMEOUT_S = 60 };

static _Atomic unsigned int holders[FRESH];

static void hold(uint32_t index)
{
	ck_assert_msg(index < FRESH, "%u was never pushed", index);
	ck_assert_msg(atomic_fetch_add(&holders[index], 1) == 0, "%u was handed out twice",
		      index);
}

static void let_go(uint32_t index)
{
	atomic_fetch_sub(&holders[index], 1);
}

START_TEST(an_empty_store_gives_nothing)
{
	for (int kind = 0; kind < STOCK_KINDS; kind++) {
		ck_assert_uint_eq(stock_pop(0, (enum stock_kind)kind), SUPERSLAB_NONE);
		ck_assert_uint_eq(stock_length(0, (enum stock_kind)kind), 0);
	}
}
END_TEST

START_TEST(a_full_store_takes_no_more)
{
	unsigned int sum = 0;

	for (uint32_t i = 0; i < STOCK_SLOTS; i++)
		ck_assert(stock_push(0, STOCK_READY, i));
	ck_assert(!stock_push(0, STOCK_READY, STOCK_SLOTS));
	ck_assert_uint_eq(stock_length(0, STOCK_READY), STOCK_SLOTS);
	ck_assert_uint_eq(stock_pop(0, STOCK_SPARE), SUPERSLAB_NONE);
	for (uint32_t i = 0; i < STOCK_SLOTS; i++) {
		uint32_t index = stock_pop(0, STOCK_READY);

		hold(index);
		sum += index;
	}
	ck_assert_uint_eq(sum, STOCK_SLOTS * (STOCK_SLOTS - 1) / 2);
	ck_assert_uint_eq(stock_pop(0, STOCK_READY), SUPERSLAB_NONE);
}
END_TEST

/* From one store to the next, as superslabs go. */
static void *pass_round(void *unused)
{
	(void)unused;
	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint32_t index = stock_pop(0, round % STOCK_KINDS);

		if (index == SUPERSLAB_NONE)
			continue;
		hold(index);
		let_go(index);
		ck_assert(stock_push(0, (round + round / 7) % STOCK_KINDS, index));
	}
	return NULL;
}

static void in_threads(void *(*body)(void *unused))
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		ck_assert(!pthread_create(&threads[i], NULL, body, NULL));
	for (int i = 0; i < THREADS; i++)
		ck_assert(!pthread_join(threads[i], NULL));
}

START_TEST(four_threads_lose_and_double_nothing)
{
	unsigned int found = 0;

	for (uint32_t i = 0; i < TOKENS; i++)
		ck_assert(stock_push(0, i % STOCK_KINDS, i));
	in_threads(pass_round);
	for (int kind = 0; kind < STOCK_KINDS; kind++) {
		uint32_t index;

		while ((index = stock_pop(0, (enum stock_kind)kind)) != SUPERSLAB_NONE) {
			hold(index);
			found++;
		}
		ck_assert_uint_eq(stock_length(0, (enum stock_kind)kind), 0);
	}
	ck_assert_uint_eq(found, TOKENS);
}
END_TEST

static _Atomic unsigned int fresh_taken, next_opened;

/* Takes what is fresh, and opens more when there is none, as threads do at the frontier. */
static void *take_fresh(void *unused)
{
	unsigned int round = 0;

	(void)unused;
	while (atomic_load(&fresh_taken) < FRESH) {
		uint32_t first, end, count = stock_take_fresh(0, 1 + round++ % 8, &first);

		for (uint32_t i = 0; i < count; i++)
			hold(first + i);
		atomic_fetch_add(&fresh_taken, count);
		if (count)
			continue;
		first = atomic_fetch_add(&next_opened, 100);
		if (first >= FRESH)
			continue;
		stock_set_fresh(0, first, first + 100, &first, &end);
		/* what was there is the opener's */
		for (; first < end; first++) {
			hold(first);
			atomic_fetch_add(&fresh_taken, 1);
		}
	}
	return NULL;
}

START_TEST(what_is_fresh_is_handed_out_once)
{
	in_threads(take_fresh);
	ck_assert_uint_eq(atomic_load(&fresh_taken), FRESH);
	for (int i = 0; i < FRESH; i++)
		ck_assert_uint_eq(atomic_load(&holders[i]), 1);
}
END_TEST

START_TEST(a_range_that_follows_is_joined_to_what_is_left)
{
	uint32_t first, end;

	stock_set_fresh(0, 10, 20, &first, &end);
	ck_assert_uint_eq(stock_take_fresh(0, 8, &first), 8);
	stock_set_fresh(0, 20, 30, &first, &end);
	ck_assert_uint_eq(first, end);
	ck_assert_uint_eq(stock_take_fresh(0, 100, &first), 12);
	ck_assert_uint_eq(first, 18);
}
END_TEST

START_TEST(fresh_ones_lie_side_by_side)
{
	uint32_t first, end;

	ck_assert_uint_eq(stock_take_fresh(0, 4, &first), 0);
	stock_set_fresh(0, 10, 20, &first, &end);
	ck_assert_uint_eq(first, end);
	ck_assert_uint_eq(stock_take_fresh(0, 8, &first), 8);
	ck_assert_uint_eq(first, 10);
	stock_set_fresh(0, 50, 60, &first, &end);
	ck_assert_uint_eq(first, 18);
	ck_assert_uint_eq(end, 20);
	ck_assert_uint_eq(stock_take_fresh(0, 100, &first), 10);
	ck_assert_uint_eq(first, 50);
	ck_assert_uint_eq(stock_take_fresh(0, 1, &first), 0);
}
END_TEST

START_TEST(demand_counts_takes_and_misses)
{
	struct stock_demand before = stock_read_demand(0), after;

	stock_note_taken(0, false);
	stock_note_taken(0, true);
	stock_note_taken(0, true);
	after = stock_read_demand(0);
	ck_assert_uint_eq(after.taken - before.taken, 3);
	ck_assert_uint_eq(after.missed - before.missed, 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("stock");
	TCase *all = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(all, TIMEOUT_S);
	tcase_add_test(all, an_empty_store_gives_nothing);
	tcase_add_test(all, a_full_store_takes_no_more);
	tcase_add_test(all, four_threads_lose_and_double_nothing);
	tcase_add_test(all, what_is_fresh_is_handed_out_once);
	tcase_add_test(all, fresh_ones_lie_side_by_side);
	tcase_add_test(all, a_range_that_follows_is_joined_to_what_is_left);
	tcase_add_test(all, demand_counts_takes_and_misses);
	suite_add_tcase(suite, all);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
