/* SPDX-License-Identifier: MIT */
/*
 * seizure.c - can a sleeping thread's cache be emptied by another, without a block lost, and
 * does a thread that is awake meanwhile wait for nobody?
 */
#include <config.h>

#include "back/charge.h"
#include "front/seizure.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hakmem/hakmem.h>

#include "os/barrier.h"
#include "support/options.h"

#include "tests/unit/bins.h"

#define BLOCKS	 4096
#define THREADS	 3
#define ROUNDS	 200000

static pthread_barrier_t step;
static struct thread_cache *other;
static void *block_of_ended;

/* What the cache's thread does on its way to the barrier, if not NULL. */
static void (*before_barrier)(unsigned number);
static unsigned barriers;

bool __wrap_barrier_in_all_threads(void);
bool __real_barrier_in_all_threads(void);

bool __wrap_barrier_in_all_threads(void)
{
	if (before_barrier)
		before_barrier(++barriers);
	return __real_barrier_in_all_threads();
}

static void wait_step(void)
{
	pthread_barrier_wait(&step);
}

static void set_up(void)
{
	barrier_init();
	pthread_barrier_init(&step, NULL, 2);
	hak_free(hak_malloc(1));
}

static void fill_cache(size_t size, unsigned count)
{
	static _Thread_local void *blocks[BLOCKS];
	unsigned i, round;

	for (round = 0; round < 3; round++) {
		for (i = 0; i < count; i++)
			blocks[i] = hak_malloc(size);
		for (i = 0; i < count; i++)
			hak_free(blocks[i]);
	}
	other = thread_cache_tls.cache;
}

static uint32_t cached_blocks(struct thread_cache *cache)
{
	uint32_t count = 0;
	unsigned class;

	for (class = 0; class < CLASS_COUNT; class++)
		count += thread_cache_bin_count(&cache->bins[class]);
	return count;
}

/* Thread 1 sleeps between the steps; thread 0 is the one that seizes. */
static void sleep_with_full_bins(void)
{
	size_t size;

	for (size = 16; size < 64 * KiB; size *= 2)
		fill_cache(size, 512);
	wait_step();
	wait_step();
	for (size = 16; size < 64 * KiB; size *= 2)
		fill_cache(size, 512);
	bins_check(thread_cache_tls.cache);
}

static void empty_the_sleeper(unsigned number)
{
	size_t slabs;

	if (number) {
		sleep_with_full_bins();
		return;
	}
	wait_step();
	slabs = charge_taken_bytes();
	ck_assert_uint_gt(cached_blocks(other), 1000);
	ck_assert(seizure_take(other));
	ck_assert_uint_gt(seizure_empty(other, seizure_is_wanted_back), 8 * MiB);
	ck_assert_uint_eq(cached_blocks(other), 0);
	seizure_put(other);
	ck_assert_uint_lt(charge_taken_bytes(), slabs / 8);
	wait_step();
}

START_TEST(a_sleeping_thread_keeps_no_block_and_goes_on_afterwards)
{
	unit_threads(2, empty_the_sleeper);
}
END_TEST

static void run_while_seized(unsigned number)
{
	void *blocks[64];
	unsigned i;

	if (!number) {
		wait_step();
		ck_assert(seizure_take(other));
		wait_step();
		wait_step();
		ck_assert(seizure_is_wanted_back(other));
		seizure_empty(other, seizure_is_wanted_back);
		seizure_put(other);
		wait_step();
		return;
	}
	fill_cache(100, 300);
	wait_step();
	wait_step();
	for (i = 0; i < 64; i++) {
		blocks[i] = hak_malloc(i * 1000 + 1);
		ck_assert_ptr_nonnull(blocks[i]);
		unit_fill(blocks[i], i * 1000 + 1, i);
	}
	/* Nothing of this came from the cache that another works in. */
	ck_assert_ptr_eq(thread_cache_tls.cache, other);
	ck_assert(heap_is_seized(&other->heap));
	for (i = 0; i < 64; i++) {
		ck_assert(unit_is_filled(blocks[i], i * 1000 + 1, i));
		hak_free(blocks[i]);
	}
	wait_step();
	wait_step();
	fill_cache(100, 300);
	ck_assert(heap_is_owned(&other->heap));
	bins_check(other);
}

START_TEST(a_thread_goes_on_while_its_cache_is_seized)
{
	unit_threads(2, run_while_seized);
}
END_TEST

static void free_while_seized(unsigned number)
{
	static void *blocks[BLOCKS];
	unsigned i;

	if (!number) {
		wait_step();
		ck_assert(seizure_take(other));
		wait_step();
		wait_step();
		seizure_put(other);
		wait_step();
		return;
	}
	for (i = 0; i < BLOCKS; i++)
		blocks[i] = hak_malloc(200);
	fill_cache(200, 10);
	wait_step();
	wait_step();
	for (i = 0; i < BLOCKS; i++)
		hak_free(blocks[i]);
	wait_step();
	wait_step();
	for (i = 0; i < BLOCKS; i++)
		blocks[i] = hak_malloc(200);
	for (i = 0; i < BLOCKS; i++)
		hak_free(blocks[i]);
	bins_check(other);
}

START_TEST(what_is_freed_while_the_cache_is_seized_stays_in_it)
{
	unit_threads(2, free_while_seized);
}
END_TEST

static uint32_t count_of(size_t size)
{
	return thread_cache_bin_count(&thread_cache_tls.cache->bins[size_class_of(size)]);
}

/* As if the thread slept in the middle: it has written the slot, and will say so. */
START_TEST(a_push_under_way_ends_above_what_was_taken)
{
	struct thread_cache *cache = thread_cache_tls.cache;
	struct bin *bin = &cache->bins[size_class_of(64)];
	void *block = hak_malloc(64);

	fill_cache(64, 100);
	fill_cache(640, 10);
	bin->top[1] = block;
	ck_assert(seizure_take(cache));
	seizure_empty(cache, seizure_is_wanted_back);
	ck_assert_uint_eq(count_of(64), 0);
	ck_assert_uint_eq(count_of(640), 0);
	bin->top++;
	ck_assert_uint_eq(count_of(64), 1);
	seizure_put(cache);
	ck_assert_ptr_eq(hak_malloc(64), block);
	bins_check(cache);
	ck_assert_uint_eq(count_of(64), 0);
	hak_free(block);
}
END_TEST

/* What is pushed while blocks are taken in two goes is neither lost nor taken twice. */
START_TEST(what_is_pushed_between_two_seizures_stays)
{
	struct thread_cache *cache = thread_cache_tls.cache;
	void *blocks[20];
	unsigned i;

	for (i = 0; i < 20; i++)
		blocks[i] = hak_malloc(64);
	fill_cache(64, 100);
	bins_make_room(cache, 64, 20);
	ck_assert(seizure_take(cache));
	seizure_empty(cache, seizure_is_wanted_back);
	for (i = 0; i < 10; i++)
		hak_free(blocks[i]);
	ck_assert_uint_eq(count_of(64), 10);
	seizure_put(cache);
	ck_assert(seizure_take(cache));
	seizure_empty(cache, seizure_is_wanted_back);
	ck_assert_uint_eq(count_of(64), 0);
	for (i = 10; i < 20; i++)
		hak_free(blocks[i]);
	seizure_put(cache);
	for (i = 20; i-- > 10;)
		ck_assert_ptr_eq(hak_malloc(64), blocks[i]);
	bins_check(cache);
}
END_TEST

START_TEST(a_thread_in_the_middle_of_an_allocation_keeps_its_cache)
{
	struct thread_cache *cache = thread_cache_tls.cache;
	uint32_t cached;

	fill_cache(64, 100);
	cached = cached_blocks(cache);
	thread_cache_begin_work(cache);
	ck_assert(!seizure_take(cache));
	thread_cache_end_work(cache);
	ck_assert_uint_eq(cached_blocks(cache), cached);
	fill_cache(64, 100);
	bins_check(cache);
}
END_TEST

static void end_while_seized(unsigned number)
{
	if (number) {
		fill_cache(1000, 100);
		ck_assert(heap_seize(&other->heap));
	}
}

START_TEST(a_thread_may_end_while_its_cache_is_seized)
{
	struct heap *heap;

	unit_threads(2, end_while_seized);
	ck_assert(!heap_visit(&other->heap));
	ck_assert_uint_gt(seizure_empty(other, seizure_is_wanted_back), 0);
	seizure_put(other);
	heap = heap_adopt(0);
	ck_assert_ptr_nonnull(heap);
	heap_abandon(heap);
}
END_TEST

START_TEST(a_child_leaves_a_cache_alone_that_was_seized_in_its_parent)
{
	struct thread_cache *cache = thread_cache_tls.cache;
	void *block = hak_malloc(500);
	int status;
	pid_t child;

	ck_assert(seizure_take(cache));
	child = fork();
	if (child == 0) {
		fill_cache(500, 1000);
		hak_free(block);
		_exit(thread_cache_tls.cache == cache || !heap_is_frozen(&cache->heap));
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	seizure_put(cache);
	hak_free(block);
}
END_TEST

static _Atomic unsigned running;
static _Atomic size_t seizures;

static void seize_one(struct heap *heap, void *argument)
{
	struct thread_cache *cache = thread_cache_of_heap(heap);

	(void)argument;
	if (cache == thread_cache_tls.cache || !seizure_take(cache))
		return;
	seizure_empty(cache, seizure_is_wanted_back);
	seizure_put(cache);
	atomic_fetch_add(&seizures, 1);
}

static void seize_all(void)
{
	while (atomic_load(&running))
		heap_visit_all(seize_one, NULL);
}

/* Slots are shared: half of what a thread frees is another's. */
static _Atomic(void *) slots[512];
static struct unit_random seed;

static void replace_blocks(unsigned number)
{
	struct unit_random random = unit_random_of_thread(seed, number);
	unsigned i;

	if (!number) {
		seize_all();
		return;
	}
	for (i = 0; i < ROUNDS; i++) {
		size_t size = 16 + unit_random_next(&random) % (i % 64 ? 2000 : 100000);
		unsigned slot = (unsigned)(unit_random_next(&random) % 512);
		size_t *block = hak_malloc(size), *old;

		block[0] = size;
		unit_fill(block + 1, size - 8, (unsigned)size);
		old = atomic_exchange(&slots[slot], block);
		if (old)
			ck_assert(unit_is_filled(old + 1, old[0] - 8, (unsigned)old[0]));
		hak_free(old);
	}
	atomic_fetch_sub(&running, 1);
}

START_TEST(no_byte_is_lost_while_caches_are_seized_all_the_time)
{
	seed = unit_random_begin();
	atomic_store(&running, THREADS);
	unit_threads(THREADS + 1, replace_blocks);
	ck_assert_uint_gt(atomic_load(&seizures), 10);
}
END_TEST

static struct thread_cache *own;
static struct bin *bin_of_64;
static void *pushed;

/* A free that comes between the reading of the tops and that of the slots. */
static void push_one(unsigned number)
{
	if (number == 3)
		bin_push(bin_of_64, pushed);
}

START_TEST(a_push_beside_the_barrier_loses_no_block)
{
	void *blocks[BLOCKS];
	unsigned i, k;

	fill_cache(64, 512);
	own = thread_cache_tls.cache;
	bin_of_64 = &own->bins[size_class_of(64)];
	pushed = hak_malloc(64);
	barriers = 0;
	before_barrier = push_one;
	ck_assert(seizure_take(own));
	seizure_empty(own, seizure_is_wanted_back);
	ck_assert_uint_ge(barriers, 3);
	seizure_put(own);
	before_barrier = NULL;
	ck_assert_uint_eq(count_of(64), 1);
	blocks[0] = hak_malloc(64);
	ck_assert_ptr_eq(blocks[0], pushed);
	for (i = 1; i < 1024; i++) {
		blocks[i] = hak_malloc(64);
		for (k = 0; k < i; k++)
			ck_assert_ptr_ne(blocks[i], blocks[k]);
	}
	bins_check(own);
}
END_TEST

/* The end of a slow path that resumed the cache just before it was seized again. */
static void end_reopening(unsigned number)
{
	if (number == 1)
		thread_cache_step_open_all(own);
}

START_TEST(steps_that_a_slow_path_opens_late_do_not_stay_open)
{
	fill_cache(64, 512);
	own = thread_cache_tls.cache;
	barriers = 0;
	before_barrier = end_reopening;
	ck_assert(seizure_take(own));
	before_barrier = NULL;
	ck_assert_uint_eq(own->bin_of_step[4], CLASS_COUNT * sizeof(struct bin) / 8);
	seizure_put(own);
}
END_TEST

static void allocate_one(unsigned number)
{
	(void)number;
	block_of_ended = hak_malloc(100000);
	other = thread_cache_tls.cache;
}

START_TEST(what_comes_while_a_cache_without_a_thread_is_seized_does_not_wait)
{
	static struct remote_outbox outbox;

	unit_threads(1, allocate_one);
	ck_assert(seizure_take(other));
	ck_assert(remote_free_send_one(&outbox, &other->heap, block_of_ended));
	ck_assert(remote_free_is_waiting(&other->heap));
	seizure_put(other);
	ck_assert(!remote_free_is_waiting(&other->heap));
}
END_TEST

int main(void)
{
	TCase *tcase = unit_begin_between("seizure");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, a_push_beside_the_barrier_loses_no_block);
	tcase_add_test(tcase, steps_that_a_slow_path_opens_late_do_not_stay_open);
	tcase_add_test(tcase, a_sleeping_thread_keeps_no_block_and_goes_on_afterwards);
	tcase_add_test(tcase, a_thread_goes_on_while_its_cache_is_seized);
	tcase_add_test(tcase, what_is_freed_while_the_cache_is_seized_stays_in_it);
	tcase_add_test(tcase, a_push_under_way_ends_above_what_was_taken);
	tcase_add_test(tcase, what_is_pushed_between_two_seizures_stays);
	tcase_add_test(tcase, a_thread_in_the_middle_of_an_allocation_keeps_its_cache);
	tcase_add_test(tcase, a_thread_may_end_while_its_cache_is_seized);
	tcase_add_test(tcase, what_comes_while_a_cache_without_a_thread_is_seized_does_not_wait);
	tcase_add_test(tcase, a_child_leaves_a_cache_alone_that_was_seized_in_its_parent);
	tcase_add_test(tcase, no_byte_is_lost_while_caches_are_seized_all_the_time);
	return unit_end();
}
