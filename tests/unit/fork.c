/* SPDX-License-Identifier: MIT */
/*
 * fork.c - does a child made while other threads allocate find a whole heap, and do the slabs
 * of threads that did not survive come back when all their blocks are freed?
 */
#include <config.h>

#include <pthread.h>
#include <stdatomic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hakmem/hakmem.h>

#include "back/brought.h"
#include "back/large.h"
#include "back/stock.h"
#include "back/superslab.h"
#include "back/superslab_take.h"
#include "front/thread_cache.h"

#include "tests/unit/unit.h"

#define FORKS		30
#define BLOCKS		600
#define SECONDS_TO_HANG 20

/*
 * Handlers of a library that was loaded before: they run while the allocator's own hold all
 * locks. A priority puts their registration before that in lib/entry/lifecycle.c.
 */
static bool handlers_allocate; /* in the test, not in Check's own forks */
static unsigned handled;

static void allocate_in_handler(void)
{
	unsigned i;

	for (i = 0; handlers_allocate && i < 300; i++) {
		void *small = hak_malloc(i * 100), *large = hak_malloc(2 * MiB);

		if (!small || !large)
			abort();
		hak_free(small);
		hak_free(large);
	}
	handled += handlers_allocate;
}

__attribute__((constructor(200))) static void start(void)
{
	pthread_atfork(allocate_in_handler, allocate_in_handler, allocate_in_handler);
}

static void *blocks[BLOCKS];

static size_t size_at(unsigned i)
{
	return i % 100 == 99 ? 2 * MiB : (size_t)8 << (i % 18);
}

static void allocate_some(void)
{
	unsigned i;

	for (i = 0; i < BLOCKS; i++) {
		blocks[i] = hak_malloc(size_at(i));
		if (!blocks[i])
			abort();
		unit_fill(blocks[i], size_at(i), i);
	}
}

static void free_some(void)
{
	unsigned i;

	for (i = 0; i < BLOCKS; i++) {
		if (!unit_is_filled(blocks[i], size_at(i), i))
			abort();
		hak_free(blocks[i]);
	}
}

/* What a child may do: free what its parent had, and allocate anew. */
static void use_the_heap(void *argument)
{
	unsigned round;

	(void)argument;
	alarm(SECONDS_TO_HANG);
	for (round = 0; round < 3; round++) {
		free_some();
		allocate_some();
	}
	hak_malloc_trim(0);
	free_some();
}

static _Atomic bool stop;

/* Some lock is held at most times. */
static void keep_locks_busy(void)
{
	while (!atomic_load(&stop)) {
		bool zeroed;
		size_t dirty_bytes;
		void *block = large_take(2 * MiB, UNIT_SIZE, &dirty_bytes);
		struct heap *idle;
		unsigned i;

		ck_assert_ptr_nonnull(block);
		large_put(block);
		for (i = 0; i < 20; i++)
			superslab_put_slab(superslab_take_slab(9, 1, 0, 0, &zeroed), 9);
		reservation_opened_bytes();
		idle = heap_adopt(0);
		if (idle)
			heap_abandon(idle);
	}
}

static void allocate_or_fork(unsigned number)
{
	struct unit_random random = { number };
	void *held[64] = { NULL };
	char text[UNIT_TEXT_BYTES];
	unsigned i;

	if (number == 0) {
		for (i = 0; i < FORKS; i++)
			ck_assert_int_eq(unit_child(use_the_heap, NULL, text), 0);
		atomic_store(&stop, true);
		return;
	}
	hak_free(hak_malloc(1));
	if (number == 1)
		keep_locks_busy();
	while (!atomic_load(&stop)) {
		i = (unsigned)unit_random_between(&random, 0, 63);
		hak_free(held[i]);
		held[i] = hak_malloc(
			unit_random_between(&random, 1, (size_t)64 << (i % 17)));
	}
	for (i = 0; i < 64; i++)
		hak_free(held[i]);
}

START_TEST(a_child_made_while_others_allocate_has_a_whole_heap)
{
	handlers_allocate = true;
	allocate_some();
	unit_threads(3, allocate_or_fork);
	free_some();
	ck_assert_uint_eq(handled, 2 * FORKS);
}
END_TEST

/* A thread that holds blocks, and is there while the process forks. */
static void *held[4096];
static unsigned held_count;
static pthread_barrier_t has_allocated, has_forked;
static unsigned class;

static void hold_or(void (*act)(void *argument), unsigned number)
{
	size_t size = size_class_table[class].size;
	char text[UNIT_TEXT_BYTES];
	unsigned i;

	if (size_class_of(size) != class)
		size -= 64; /* see size_class.h: colouring */
	if (number) {
		held_count = 4u * size_class_table[class].capacity;
		for (i = 0; i < held_count; i++)
			held[i] = hak_malloc(size);
		pthread_barrier_wait(&has_allocated);
		pthread_barrier_wait(&has_forked);
		for (i = 0; i < held_count; i++)
			hak_free(held[i]);
		return;
	}
	pthread_barrier_wait(&has_allocated);
	ck_assert_int_eq(unit_child(act, NULL, text), 0);
	ck_assert_str_eq(text, "");
	pthread_barrier_wait(&has_forked);
}

static bool is_back(uint32_t first)
{
	return reservation.bin_of_unit[first] == reservation.nobody;
}

static void send(void)
{
	remote_free_send_all(&thread_cache_tls.cache->outbox);
}

/* How many of the held blocks lie in the slab. */
static unsigned held_in(uint32_t first)
{
	unsigned i, count = 0;

	for (i = 0; i < held_count; i++)
		count += reservation_unit_of(held[i]) -
				 slab_unit(reservation_unit_of(held[i]))->position ==
			 first;
	return count;
}

/* In the child, where abort() is a failed test: Check's own belong to the parent. */
static void free_slab_by_slab(void *argument)
{
	unsigned whole = 0, i, j;

	(void)argument;
	alarm(SECONDS_TO_HANG);
	for (i = 0; i < held_count; i++) {
		uint32_t unit = reservation_unit_of(held[i]);
		uint32_t first = unit - slab_unit(unit)->position;
		unsigned left = held_in(first);
		bool fills = left == size_class_table[class].capacity;

		if (is_back(first))
			continue; /* freed below */
		whole += fills;
		for (j = 0; j < held_count; j++) {
			if (reservation_unit_of(held[j]) < first ||
			    reservation_unit_of(held[j]) >=
				    first + size_class_table[class].units)
				continue;
			if (is_back(first))
				abort(); /* too early */
			if (!fills)
				break;
			hak_free(held[j]);
			send();
			left--;
		}
		if (fills && (left || !is_back(first)))
			abort();
	}
	if (!whole)
		abort();
}

static void hold_or_free_slabs(unsigned number)
{
	hold_or(free_slab_by_slab, number);
}

static void prepare(void)
{
	pthread_barrier_init(&has_allocated, NULL, 2);
	pthread_barrier_init(&has_forked, NULL, 2);
	hak_free(hak_malloc(1));
}

/* _i: class; its blocks are few enough to be counted one by one. */
START_TEST(a_slab_of_a_lost_thread_goes_back_when_frees_fill_it)
{
	class = (unsigned)_i;
	prepare();
	unit_threads(2, hold_or_free_slabs);
}
END_TEST

static void free_twice(void *argument)
{
	(void)argument;
	hak_free(held[0]);
	send();
	hak_free(held[0]);
	send();
}

static void hold_or_free_twice(unsigned number)
{
	char text[UNIT_TEXT_BYTES], expected[100];
	int status;

	if (number) {
		hold_or(NULL, number);
		return;
	}
	pthread_barrier_wait(&has_allocated);
	status = unit_child(free_twice, NULL, text);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	snprintf(expected, sizeof(expected),
		 "hakmem: double free of %p (size class %u)\nhakmem: in process ", held[0],
		 size_class_table[class].size);
	/* Who called stands behind it. */
	text[strlen(expected)] = '\0';
	ck_assert_str_eq(text, expected);
	pthread_barrier_wait(&has_forked);
}

START_TEST(a_double_free_of_a_lost_threads_block_aborts)
{
	class = 40;
	prepare();
	unit_threads(2, hold_or_free_twice);
}
END_TEST

static void adopt(void *argument)
{
	(void)argument;
	if (!heap_adopt(0))
		abort();
}

static void allocate_and_end(unsigned number)
{
	(void)number;
	hak_free(hak_malloc(100));
}

START_TEST(a_heap_that_was_idle_is_not_lost_in_the_child)
{
	char text[UNIT_TEXT_BYTES];

	hak_free(hak_malloc(1));
	unit_threads(1, allocate_and_end);
	ck_assert_int_eq(unit_child(adopt, NULL, text), 0);
}
END_TEST

static void look_at_stock(void *start)
{
	unsigned char resident = 0;

	if (stock_length(0, STOCK_READY) || mincore(start, 1, &resident) || resident & 1)
		abort();
	/* It is there for the child, too. */
	if (stock_pop(0, STOCK_SPARE) == SUPERSLAB_NONE)
		abort();
}

START_TEST(what_came_ahead_and_nobody_took_stays_with_the_parent)
{
	char text[UNIT_TEXT_BYTES], *start;
	struct chunk chunk;
	uint32_t index;

	hak_free(hak_malloc(1));
	ck_assert_int_eq(reservation_open(SUPERSLAB_UNITS, CHUNK_SLABS, 0, &chunk), 0);
	ck_assert_uint_ge(chunk.units, SUPERSLAB_UNITS);
	index = chunk.first_unit / SUPERSLAB_UNITS;
	start = reservation_unit_start(index * SUPERSLAB_UNITS);
	memset(start, 0, SUPERSLAB_SIZE);
	brought_add(SUPERSLAB_SIZE);
	ck_assert(stock_push(0, STOCK_READY, index));
	ck_assert_int_eq(unit_child(look_at_stock, start, text), 0);
	ck_assert_uint_eq(stock_length(0, STOCK_READY), 1);
}
END_TEST

int main(void)
{
	TCase *tcase = unit_begin("fork");

	tcase_add_test(tcase, a_child_made_while_others_allocate_has_a_whole_heap);
	tcase_add_loop_test(tcase, a_slab_of_a_lost_thread_goes_back_when_frees_fill_it,
			    16, CLASSES_LINEAR + CLASSES_FINE);
	tcase_add_test(tcase, a_double_free_of_a_lost_threads_block_aborts);
	tcase_add_test(tcase, what_came_ahead_and_nobody_took_stays_with_the_parent);
	tcase_add_test(tcase, a_heap_that_was_idle_is_not_lost_in_the_child);
	return unit_end();
}
