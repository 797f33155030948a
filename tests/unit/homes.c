/* SPDX-License-Identifier: MIT */
/*
 * homes.c - does memory stay with its home on machines of 1, 2, 4 and 64 nodes, and on odd
 * ones? The topology is the tests' own, and the kernel is told nothing (no mbind).
 */
#include <config.h>

#include <string.h>

#include "back/large.h"
#include "back/large_run.h"
#include "back/stock.h"
#include "back/superslab.h"
#include "back/superslab_take.h"
#include "front/lease.h"
#include "os/node.h"
#include "os/topology.h"
#include "os/vm.h"

#include "tests/unit/no_memory.h"
#include "tests/unit/unit.h"

#define ROUNDS	200

static char nobody;
static unsigned here;	/* the node that the test is on */

unsigned __wrap_node_current(void);

unsigned __wrap_node_current(void)
{
	return here;
}

static const unsigned machines[] = { 1, 2, 4, 64 };

/* A node without memory has the next lower one's home. */
static void inject(unsigned homes, unsigned nodes_a_home)
{
	unsigned node;

	memset(&topology, 0, sizeof(topology));
	topology.homes = homes;
	for (node = 0; node < TOPOLOGY_NODES_MAX; node++) {
		unsigned home = node / nodes_a_home;

		topology.home_of_node[node] = (uint8_t)(home < homes ? home : homes - 1);
		if (home < homes && node % nodes_a_home == 0)
			topology.node_of_home[home] = (uint16_t)node;
	}
}

static void set_up(unsigned homes, unsigned nodes_a_home)
{
	inject(homes, nodes_a_home);
	size_class_init();
	ck_assert_int_eq(reservation_init(&nobody), 0);
}

static unsigned home_of_slab(uint32_t unit)
{
	return superslab_at(unit / SUPERSLAB_UNITS)->home;
}

static uint32_t take_slab(unsigned home)
{
	bool zeroed;
	uint32_t unit;

	here = topology.node_of_home[home];
	unit = superslab_take_slab(1, 1, home, 0, &zeroed);
	ck_assert_uint_ne(unit, UNIT_NONE);
	return unit;
}

START_TEST(slabs_are_of_the_home_that_was_asked)
{
	static uint32_t slabs[64][ROUNDS];
	unsigned homes = machines[_i], home, round;

	set_up(homes, 1);
	for (round = 0; round < ROUNDS; round++)
		for (home = 0; home < homes; home++) {
			slabs[home][round] = take_slab(home);
			ck_assert_uint_eq(home_of_slab(slabs[home][round]), home);
		}
	for (home = 0; home < homes; home++)
		for (round = 0; round < ROUNDS; round++)
			superslab_put_slab(slabs[home][round], 1);
	/* What was freed by others' side is not taken for one's own. */
	for (home = homes; home-- > 0;)
		for (round = 0; round < ROUNDS; round++)
			ck_assert_uint_eq(home_of_slab(take_slab(home)), home);
	ck_assert_uint_eq(superslab_spilled_bytes(), 0);
}
END_TEST

/* Beyond the first chunk, where whoever takes a superslab touches it. */
START_TEST(a_thread_that_has_moved_gets_the_superslab_for_where_it_is)
{
	bool zeroed;
	unsigned round;

	set_up(2, 1);
	for (round = 0; round < ROUNDS; round++)
		take_slab(0);
	here = topology.node_of_home[1];
	for (round = 0; round < 2 * SUPERSLAB_UNITS; round++) {
		uint32_t unit = superslab_take_slab(1, 1, 0, 0, &zeroed);

		ck_assert_uint_ne(unit, UNIT_NONE);
		if (home_of_slab(unit) == 1)
			break;
	}
	ck_assert_uint_lt(round, 2 * SUPERSLAB_UNITS);
}
END_TEST

static char *take_large(unsigned home, size_t bytes)
{
	size_t dirty_bytes;
	char *block = large_take_at(home, bytes, UNIT_SIZE, &dirty_bytes);

	ck_assert_ptr_nonnull(block);
	return block;
}

static unsigned home_of_block(const char *block)
{
	return large_run_home(reservation_unit_of(block));
}

START_TEST(large_runs_are_of_the_home_that_was_asked)
{
	static char *blocks[64][8];
	unsigned homes = machines[_i], home, round, i;

	set_up(homes, 1);
	for (round = 0; round < 4; round++) {
		for (i = 0; i < 8; i++)
			for (home = 0; home < homes; home++) {
				blocks[home][i] = take_large(home, (2 + i) * MiB);
				ck_assert_uint_eq(home_of_block(blocks[home][i]), home);
			}
		/* Freed, neighbours of two homes would merge if that were not looked at. */
		for (home = 0; home < homes; home++)
			for (i = 0; i < 8; i++)
				ck_assert_int_eq(large_put(blocks[home][i]), LARGE_BLOCK);
	}
	ck_assert_uint_eq(large_spilled_bytes(), 0);
}
END_TEST

START_TEST(a_home_that_can_have_no_more_takes_from_others_and_it_is_counted)
{
	uint32_t unit;

	set_up(2, 1);
	take_slab(0);
	take_slab(1);
	no_memory = true;
	do {
		unit = take_slab(1);
	} while (home_of_slab(unit) == 1);
	ck_assert_uint_eq(home_of_slab(unit), 0);
	ck_assert_uint_eq(superslab_spilled_bytes(), UNIT_SIZE);
	/* There is room again: nobody asks for what was spilled. */
	no_memory = false;
	superslab_put_slab(unit, 1);
	ck_assert_uint_eq(home_of_slab(take_slab(1)), 1);
}
END_TEST

START_TEST(a_stock_is_of_one_home)
{
	unsigned home;

	inject(4, 1);
	for (home = 0; home < 4; home++)
		ck_assert(stock_push(home, STOCK_READY, 100 + home));
	for (home = 4; home-- > 0;) {
		ck_assert_uint_eq(stock_length(home, STOCK_READY), 1);
		ck_assert_uint_eq(stock_pop(home, STOCK_READY), 100 + home);
		ck_assert_uint_eq(stock_pop(home, STOCK_READY), SUPERSLAB_NONE);
	}
}
END_TEST

START_TEST(a_cache_of_each_home_is_found_from_any_thread)
{
	unsigned homes = machines[_i], home;

	inject(homes, 1);
	for (home = 0; home < homes; home++) {
		struct thread_cache *cache = lease_take_of(home);

		ck_assert_ptr_nonnull(cache);
		ck_assert_uint_eq(cache->heap.home, home);
		lease_put(cache);
	}
}
END_TEST

/* Three nodes a home, of which the first has memory. */
START_TEST(nodes_without_memory_share_a_home)
{
	unsigned home;

	inject(5, 3);
	for (home = 0; home < 5; home++) {
		ck_assert_uint_eq(topology.node_of_home[home], 3 * home);
		ck_assert_uint_eq(topology.home_of_node[3 * home + 2], home);
	}
	topology_begin_with(3);
	ck_assert_uint_eq(topology.node_of_home[0], 9);
	ck_assert_uint_eq(topology.node_of_home[3], 0);
	ck_assert_uint_eq(topology.home_of_node[11], 0);
	ck_assert_uint_eq(topology.home_of_node[1], 3);
	ck_assert_uint_eq(topology.home_of_node[4], 1);
}
END_TEST

int main(void)
{
	TCase *tcase = unit_begin_between("homes");

	tcase_add_loop_test(tcase, slabs_are_of_the_home_that_was_asked, 0, 4);
	tcase_add_test(tcase, a_thread_that_has_moved_gets_the_superslab_for_where_it_is);
	tcase_add_loop_test(tcase, large_runs_are_of_the_home_that_was_asked, 0, 4);
	tcase_add_test(tcase, a_home_that_can_have_no_more_takes_from_others_and_it_is_counted);
	tcase_add_test(tcase, a_stock_is_of_one_home);
	tcase_add_loop_test(tcase, a_cache_of_each_home_is_found_from_any_thread, 0, 4);
	tcase_add_test(tcase, nodes_without_memory_share_a_home);
	return unit_end();
}
