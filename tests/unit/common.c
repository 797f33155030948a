/* SPDX-License-Identifier: MIT */
/*
 * common.c - do threads that use little share slabs, do those that use much get their own, and
 * does every shared block come back, whoever frees it?
 */
#include <config.h>

#include "middle/common.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>
#include <string.h>

#include <hakmem/hakmem.h>

#include "control/usage.h"
#include "front/seizure.h"
#include "os/barrier.h"

#include "tests/unit/bins.h"

enum { CROWD = 64, SIZES = 40, FIRST_HEAPS = 8 };

static pthread_barrier_t barrier;
static void *kept[CROWD][SIZES];

static size_t slabs_of(unsigned class)
{
	struct usage_class classes[CLASS_COUNT];

	usage_read_classes(classes);
	return classes[class].slabs;
}

static uint64_t live_blocks(void)
{
	struct usage_class classes[CLASS_COUNT];
	uint64_t live = 0;
	unsigned class;

	usage_read_classes(classes);
	for (class = 0; class < CLASS_COUNT; class++)
		live += classes[class].live;
	return live;
}

static void take_one_of_each(unsigned number)
{
	unsigned i;

	for (i = 0; i < SIZES; i++)
		ck_assert_ptr_nonnull(kept[number][i] = hak_malloc((i + 1) * 100));
	bins_check(thread_cache_tls.cache);
	pthread_barrier_wait(&barrier);
}

static void free_all_of(unsigned number)
{
	unsigned i;

	for (i = 0; i < SIZES; i++)
		hak_free(kept[number][i]);
	bins_check(thread_cache_tls.cache);
}

static bool shares_slabs(void)
{
	ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, CROWD), 0);
	unit_threads(CROWD, take_one_of_each);
	ck_assert_uint_eq(live_blocks(), CROWD * SIZES);
	return slabs_of(size_class_of(100)) <= FIRST_HEAPS + 4 &&
	       slabs_of(size_class_of(2000)) <= FIRST_HEAPS + 4;
}

/* Nobody waits for a shared heap whose holder has lost its processor: a busy machine has more. */
START_TEST(a_crowd_that_uses_little_shares_slabs)
{
	unsigned tries = 0;
	int status = 1;

	for (; status && tries < 10; tries++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(!shares_slabs());
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	}
	ck_assert_msg(!status, "in none of %u tries", tries);
}
END_TEST

static void free_next(unsigned number)
{
	free_all_of((number + 1) % CROWD);
}

START_TEST(shared_blocks_come_back_whoever_frees_them)
{
	ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, CROWD), 0);
	unit_threads(CROWD, take_one_of_each);
	unit_threads(CROWD, free_next);
	ck_assert_uint_eq(live_blocks(), 0);
}
END_TEST

enum { MANY = 20000 };

static void *many[CROWD][MANY];

/* All that a class that is used much takes beyond its first blocks is the thread's own. */
static void use_much(unsigned number)
{
	struct thread_cache *cache;
	unsigned class = size_class_of(64), i, own = 0;

	for (i = 0; i < MANY; i++)
		many[number][i] = hak_malloc(64);
	cache = thread_cache_tls.cache;
	for (i = 0; i < MANY; i++)
		own += reservation.bin_of_unit[reservation_unit_of(many[number][i])] ==
		       &cache->bins[class];
	ck_assert_uint_ge(own, MANY * 9 / 10);
	ck_assert_uint_gt(heap_count_read(&cache->heap.counts[class].slabs), 0);
	pthread_barrier_wait(&barrier);
	for (i = 0; i < MANY; i++)
		hak_free(many[number][i]);
	bins_check(cache);
}

START_TEST(a_class_that_is_used_much_has_slabs_of_its_own)
{
	ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, 16), 0);
	unit_threads(16, use_much);
	ck_assert_uint_eq(live_blocks(), 0);
}
END_TEST

enum { ROUNDS = 200, AT_ONCE = 4, MUCH_BYTES = 2000, FIRST_BIN_BYTES = 4096 };

static _Atomic unsigned enlarged;

/* What is shared for good in a crowd need not come and go one by one. */
static void use_a_shared_class_much(unsigned number)
{
	unsigned class = size_class_of(MUCH_BYTES), round, i;
	void *blocks[AT_ONCE];

	(void)number;
	hak_free(hak_malloc(1));
	pthread_barrier_wait(&barrier);
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < AT_ONCE; i++)
			blocks[i] = hak_malloc(MUCH_BYTES);
		for (i = 0; i < AT_ONCE; i++)
			hak_free(blocks[i]);
	}
	bins_check(thread_cache_tls.cache);
	if (common_is_shared(&thread_cache_tls.cache->common, class) &&
	    thread_cache_tls.cache->limits[class] > FIRST_BIN_BYTES / MUCH_BYTES)
		atomic_fetch_add(&enlarged, 1);
	pthread_barrier_wait(&barrier);
}

START_TEST(a_shared_class_that_is_used_much_has_a_larger_bin)
{
	ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, CROWD), 0);
	unit_threads(CROWD, use_a_shared_class_much);
	ck_assert_uint_gt(enlarged, CROWD / 2);
	ck_assert_uint_eq(live_blocks(), 0);
}
END_TEST

/* The same few blocks again and again, by more threads than there are common heaps. */
static void replace(unsigned number)
{
	struct unit_random random = { .state = number + 1 };
	void *blocks[32] = { NULL };
	unsigned i;

	for (i = 0; i < 30000; i++) {
		size_t size = unit_random_between(&random, 16, i % 8 ? 2000 : 40000);
		unsigned slot = (unsigned)unit_random_between(&random, 0, 31);

		hak_free(blocks[slot]);
		blocks[slot] = hak_malloc(size);
		memset(blocks[slot], (int)number, size);
	}
	for (i = 0; i < 32; i++)
		hak_free(blocks[i]);
	bins_check(thread_cache_tls.cache);
}

START_TEST(nothing_is_lost_when_a_crowd_works)
{
	hak_free(hak_malloc(1));	/* the heap is there before anybody frees NULL */
	unit_threads(CROWD, replace);
	ck_assert_uint_eq(live_blocks(), 0);
}
END_TEST

static void free_twice(void *block)
{
	hak_free(block);
	hak_free(block);
}

static _Atomic unsigned tried;

static void abort_if_it_shares(unsigned number)
{
	void *block = hak_malloc(300);
	bool shares = thread_cache_tls.cache->common.shares;

	(void)number;
	pthread_barrier_wait(&barrier);
	if (shares && atomic_fetch_add(&tried, 1) == 0)
		unit_expect_abort(free_twice, block, "double free of %p (size class 320)", block);
	pthread_barrier_wait(&barrier);
	hak_free(block);
}

START_TEST(a_shared_block_that_is_freed_twice_is_noticed_at_once)
{
	ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, 16), 0);
	unit_threads(16, abort_if_it_shares);
	ck_assert_uint_gt(tried, 0);
}
END_TEST

static bool seizes_new;
static _Atomic unsigned made, seized;

void __wrap_heap_create(struct heap *heap, char *bins, unsigned home);
void __real_heap_create(struct heap *heap, char *bins, unsigned home);

/* A purge by another thread may come at the earliest time. */
void __wrap_heap_create(struct heap *heap, char *bins, unsigned home)
{
	struct thread_cache *cache = thread_cache_of_heap(heap);

	__real_heap_create(heap, bins, home);
	if (!seizes_new)
		return;
	atomic_fetch_add(&made, 1);
	if (!seizure_take(cache))
		return;
	atomic_fetch_add(&seized, 1);
	seizure_put(cache);
}

static void take_one_of_each_and_of_a_heap(unsigned number)
{
	struct hak_heap *heap = hak_heap_create(0);

	take_one_of_each(number);
	hak_free(hak_heap_alloc(heap, 100));
	hak_heap_destroy(heap);
	pthread_barrier_wait(&barrier);
	free_all_of(number);
}

START_TEST(nobody_seizes_a_cache_that_is_being_made)
{
	ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, 16), 0);
	if (unit_skip_if(barrier_init(), "membarrier(2) is refused"))
		return;
	hak_free(hak_malloc(1));
	seizes_new = true;
	unit_threads(16, take_one_of_each_and_of_a_heap);
	if (unit_skip_if(!made, "link-time optimization leaves no calls to wrap"))
		return;
	/* Theirs, and those of what they share, and of what they make. */
	ck_assert_uint_gt(made, 16 + 1);
	ck_assert_uint_eq(seized, 0);
	ck_assert_uint_eq(live_blocks(), 0);
}
END_TEST

int main(void)
{
	TCase *tcase = unit_begin("common");

	tcase_add_test(tcase, a_crowd_that_uses_little_shares_slabs);
	tcase_add_test(tcase, shared_blocks_come_back_whoever_frees_them);
	tcase_add_test(tcase, a_class_that_is_used_much_has_slabs_of_its_own);
	tcase_add_test(tcase, a_shared_class_that_is_used_much_has_a_larger_bin);
	tcase_add_test(tcase, nothing_is_lost_when_a_crowd_works);
	tcase_add_test(tcase, a_shared_block_that_is_freed_twice_is_noticed_at_once);
	tcase_add_test(tcase, nobody_seizes_a_cache_that_is_being_made);
	return unit_end();
}
