/* SPDX-License-Identifier: MIT */
/*
 * usage.c - when all is freed, by whatever thread and at whatever time, is nothing in use, and
 * does what is counted tell what is held?
 */
#include <config.h>

#include "control/usage.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include <hakmem/hakmem.h>

#include "back/charge.h"
#include "back/reservation.h"
#include "front/thread_cache.h"
#include "os/barrier.h"
#include "support/options.h"

#include "tests/unit/unit.h"

#define SLOTS	   64
#define BLOCKS_MAX 4096

#ifdef HAKMEM_LTO
#define HAS_WRAPS false
#else
#define HAS_WRAPS true
#endif

static void *blocks[BLOCKS_MAX];
static struct unit_random shared_random;

static void expect_nothing_in_use(void)
{
	struct usage usage;

	hak_malloc_trim(0);
	usage_read(&usage);
	ck_assert_uint_eq(usage.blocks_in_use, 0);
	ck_assert_uint_eq(usage.slabs, 0);
	ck_assert_uint_eq(usage.blocks_free, 0);
	ck_assert_uint_eq(usage.free_block_count, 0);
	ck_assert_uint_eq(usage.large_in_use, 0);
	ck_assert_uint_eq(usage.large_count, 0);
	ck_assert_uint_eq(charge_taken_bytes(), 0);
}

/* Runs after the allocator's own: its key is younger. */
static void allocate_late(void *argument)
{
	(void)argument;
	hak_free(hak_malloc(100));
	blocks[0] = hak_malloc(100);
	blocks[1] = hak_malloc(2000);
	hak_free(blocks[1]);
}

static void arm_late_allocation(unsigned number)
{
	pthread_key_t key;

	(void)number;
	hak_free(hak_malloc(100));
	pthread_key_create(&key, allocate_late);
	pthread_setspecific(key, &blocks);
}

START_TEST(what_a_thread_allocates_after_its_end_is_not_lost)
{
	struct usage usage;

	hak_free(hak_malloc(
		1)); /* so that nobody needs the cache of the thread that ended */
	unit_threads(1, arm_late_allocation);
	ck_assert_ptr_nonnull(blocks[0]);
	usage_read(&usage);
	ck_assert_uint_gt(usage.free_block_count, 0);
	hak_free(blocks[0]);
	expect_nothing_in_use();
}
END_TEST

static pthread_t second;
static bool starts_second, has_second;
static _Atomic bool has_allocated;

bool __wrap_thread_exit_init(void (*at_exit)(void *value));
bool __real_thread_exit_init(void (*at_exit)(void *value));

static void *allocate_and_end(void *argument)
{
	blocks[0] = hak_malloc(100);
	atomic_store(&has_allocated, true);
	return argument;
}

/* Gives another thread the time to be as far as it may. */
bool __wrap_thread_exit_init(void (*at_exit)(void *value))
{
	unsigned naps;

	if (starts_second)
		has_second = !pthread_create(&second, NULL, allocate_and_end, NULL);
	for (naps = 0; has_second && naps < 100 && !atomic_load(&has_allocated); naps++)
		usleep(1000);
	return __real_thread_exit_init(at_exit);
}

START_TEST(the_end_of_a_thread_that_came_while_the_first_began_is_noticed)
{
	starts_second = true;
	hak_free(hak_malloc(1));
	if (unit_skip_if(!HAS_WRAPS, "link-time optimization leaves no calls to wrap"))
		return;
	pthread_join(second, NULL);
	ck_assert_ptr_nonnull(blocks[0]);
	hak_free(blocks[0]);
	expect_nothing_in_use();
}
END_TEST

#define NAPS_HELD 1000

/* By the test, which stands in for a helper without a processor. */
static struct heap *held_heap;
static unsigned naps;

void __wrap_thread_nap(uint64_t ns);

void __wrap_thread_nap(uint64_t ns)
{
	(void)ns;
	if (++naps == NAPS_HELD)
		heap_give_back(held_heap);
}

static void allocate_slots(unsigned number)
{
	unsigned i;

	(void)number;
	for (i = 0; i < SLOTS; i++)
		ck_assert_ptr_nonnull(blocks[i] = hak_malloc((i + 1) * 1000));
	held_heap = &thread_cache_tls.cache->heap;
}

static void free_slots(void)
{
	unsigned i;

	for (i = 0; i < SLOTS; i++)
		hak_free(blocks[i]);
}

static void expect_trim_waits(void)
{
	naps = 0;
	expect_nothing_in_use();
	ck_assert_uint_ge(naps, NAPS_HELD);
}

START_TEST(a_trim_waits_while_the_helper_has_a_cache_without_a_thread_in_hand)
{
	hak_free(hak_malloc(1));
	unit_threads(1, allocate_slots);
	if (unit_skip_if(!HAS_WRAPS, "link-time optimization leaves no calls to wrap"))
		return;
	ck_assert(heap_visit(held_heap));
	free_slots();
	expect_trim_waits();
}
END_TEST

START_TEST(a_trim_waits_while_the_helper_has_the_callers_own_cache_in_hand)
{
	hak_free(hak_malloc(1));
	unit_threads(1, allocate_slots);
	if (unit_skip_if(!HAS_WRAPS, "link-time optimization leaves no calls to wrap"))
		return;
	free_slots();
	held_heap = &thread_cache_tls.cache->heap;
	ck_assert(heap_seize(held_heap));
	expect_trim_waits();
}
END_TEST

static pthread_barrier_t step;

/* Thread 0 came first: its cache is looked at last. Both sleep while the caller trims. */
static void free_for_another(unsigned number)
{
	if (number == 0)
		hak_free(hak_malloc(1));
	pthread_barrier_wait(&step);
	if (number == 1)
		allocate_slots(1);
	pthread_barrier_wait(&step);
	if (number == 0)
		free_slots();
	pthread_barrier_wait(&step);
	if (number == 2)
		expect_nothing_in_use();
	pthread_barrier_wait(&step);
}

START_TEST(a_trim_takes_home_what_it_finds_on_its_way_to_another)
{
	pthread_barrier_init(&step, NULL, 3);
	if (unit_skip_if(barrier_init(), "membarrier(2) is refused"))
		return;
	unit_threads(3, free_for_another);
}
END_TEST

struct held {
	uint64_t *block;
	size_t bytes;
	uint64_t mark;
};

/* Blocks lie here between the thread that allocates them and the one that frees them. */
static _Atomic(struct held *) slots[SLOTS];

static void check_and_free(struct held *held)
{
	if (!held)
		return;
	ck_assert(unit_is_filled(held->block, held->bytes, held->mark));
	hak_free(held->block);
	free(held);
}

static size_t random_size(struct unit_random *random)
{
	size_t most = (size_t)64 << unit_random_between(random, 0, 14);

	return unit_random_between(random, 8, most) & ~(size_t)7;
}

static void pass_blocks_around(unsigned number)
{
	struct unit_random random = unit_random_of_thread(shared_random, number);
	unsigned round;

	for (round = 0; round < 20000; round++) {
		struct held *held = malloc(sizeof(*held));

		held->bytes = random_size(&random);
		held->mark = unit_random_next(&random);
		held->block = hak_malloc(held->bytes);
		ck_assert_ptr_nonnull(held->block);
		unit_fill(held->block, held->bytes, held->mark);
		check_and_free(atomic_exchange(
			&slots[unit_random_between(&random, 0, SLOTS - 1)], held));
	}
}

START_TEST(when_all_is_freed_anywhere_all_slabs_go_back)
{
	unsigned i;

	shared_random = unit_random_begin();
	unit_threads(4, pass_blocks_around);
	for (i = 0; i < SLOTS; i++)
		check_and_free(atomic_exchange(&slots[i], NULL));
	expect_nothing_in_use();
}
END_TEST

START_TEST(usage_knows_what_is_held)
{
	struct unit_random random = unit_random_begin();
	size_t in_slabs = 0, large = 0, held = 0, round;
	struct usage usage;

	for (round = 0; round < 3000; round++) {
		if (unit_random_next(&random) % 3 || !held) {
			blocks[held++] =
				hak_malloc(random_size(&random) << (round % 100 == 0));
			continue;
		}
		hak_free(blocks[--held]);
	}
	for (round = 0; round < held; round++) {
		size_t bytes = hak_malloc_usable_size(blocks[round]);

		*(bytes > CLASS_SIZE_MAX ? &large : &in_slabs) += bytes;
	}
	usage_read(&usage);
	ck_assert_uint_eq(usage.blocks_in_use, in_slabs);
	ck_assert_uint_eq(usage.large_in_use, large);
	ck_assert_uint_ge(usage.slabs, usage.blocks_in_use + usage.blocks_free);
	while (held)
		hak_free(blocks[--held]);
	expect_nothing_in_use();
}
END_TEST

START_TEST(memory_kept_idle_is_used_before_giving_up)
{
	unsigned i;

	/* 4 MiB of blocks, and what is noted of them. */
	options.limit_hard_bytes = 4 * MiB + 100 * KiB;
	for (i = 0; i < 4; i++)
		ck_assert_ptr_nonnull(blocks[i] = hak_malloc(1 * MiB));
	ck_assert_ptr_null(hak_malloc(64));
	for (i = 0; i < 4; i++)
		hak_free(blocks[i]);
	for (i = 0; i < 1000; i++)
		ck_assert_ptr_nonnull(blocks[i] = hak_malloc(1024));
	for (i = 0; i < 1000; i++)
		hak_free(blocks[i]);
	ck_assert_ptr_nonnull(blocks[0] = hak_malloc(3 * MiB));
	hak_free(blocks[0]);
	expect_nothing_in_use();
}
END_TEST

int main(void)
{
	TCase *tcase = unit_begin("usage");

	tcase_add_test(tcase, what_a_thread_allocates_after_its_end_is_not_lost);
	tcase_add_test(tcase, the_end_of_a_thread_that_came_while_the_first_began_is_noticed);
	tcase_add_test(tcase,
		       a_trim_waits_while_the_helper_has_a_cache_without_a_thread_in_hand);
	tcase_add_test(tcase, a_trim_waits_while_the_helper_has_the_callers_own_cache_in_hand);
	tcase_add_test(tcase, a_trim_takes_home_what_it_finds_on_its_way_to_another);
	tcase_add_test(tcase, when_all_is_freed_anywhere_all_slabs_go_back);
	tcase_add_test(tcase, usage_knows_what_is_held);
	tcase_add_test(tcase, memory_kept_idle_is_used_before_giving_up);
	return unit_end();
}
