/* SPDX-License-Identifier: MIT */
/*
 * arrivals.c - is what other threads have freed handed out again before memory is taken anew?
 */
#include <config.h>

#include "back/charge.h"
#include "front/arrivals.h"

#include <hakmem/hakmem.h>
#include <pthread.h>

#include "tests/unit/unit.h"

#define OWNERS	    16
#define BLOCKS_EACH 16000
#define BYTES_LEAST 16
#define SHARE	    8	/* of all that was taken; bins, and slabs of sizes that are seldom */

static void *blocks[OWNERS * BLOCKS_EACH];
static struct unit_random seed;
static size_t bytes_most, first_bytes;
static pthread_barrier_t all;

/* The same sizes each time. */
static void take(unsigned number)
{
	struct unit_random random = unit_random_of_thread(seed, number);
	void **place = blocks + number * BLOCKS_EACH;
	unsigned i;

	for (i = 0; i < BLOCKS_EACH; i++) {
		place[i] = hak_malloc(unit_random_between(&random, BYTES_LEAST, bytes_most));
		ck_assert_ptr_nonnull(place[i]);
	}
}

static void free_all(void)
{
	struct unit_random random = seed;
	unsigned i;

	unit_shuffle(&random, blocks, OWNERS * BLOCKS_EACH);
	for (i = 0; i < OWNERS * BLOCKS_EACH; i++)
		hak_free(blocks[i]);
}

static void take_twice(unsigned number)
{
	take(number);
	if (pthread_barrier_wait(&all) == PTHREAD_BARRIER_SERIAL_THREAD) {
		first_bytes = charge_taken_bytes();
		free_all();
	}
	pthread_barrier_wait(&all);
	take(number);
	pthread_barrier_wait(&all);
}

/* One thread frees the blocks of all, so each message that comes home is short. */
START_TEST(what_another_thread_has_freed_serves_before_fresh_memory)
{
	seed = unit_random_begin();
	bytes_most = (size_t)1 << _i;
	pthread_barrier_init(&all, NULL, OWNERS);
	unit_threads(OWNERS, take_twice);
	ck_assert_uint_le(charge_taken_bytes(), first_bytes + first_bytes / SHARE);
}
END_TEST

int main(void)
{
	TCase *tcase = unit_begin("arrivals");

	tcase_add_loop_test(tcase, what_another_thread_has_freed_serves_before_fresh_memory, 8, 10);
	return unit_end();
}
