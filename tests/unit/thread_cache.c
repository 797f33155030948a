/* SPDX-License-Identifier: MIT */
/*
 * thread_cache.c - do the limits of bins follow what the program does, within the budget, and
 * does every block that is freed, here or elsewhere, come back?
 */
#include <config.h>

#include "back/metadata.h"
#include "front/thread_cache.h"

#include <pthread.h>

#include <hakmem/hakmem.h>

#include "front/lease.h"
#include "support/options.h"

#include "tests/unit/bins.h"

#define BLOCKS_MAX (1 << 20)
#define SLOTS	   64

/* The linker puts these between the files (--wrap). */
unsigned __real_heap_take_blocks(struct heap *heap, unsigned class, void **blocks,
				 unsigned count);
unsigned __wrap_heap_take_blocks(struct heap *heap, unsigned class, void **blocks,
				 unsigned count);
void __real_heap_put_blocks(struct heap *heap, void *const *blocks, unsigned count);
void __wrap_heap_put_blocks(struct heap *heap, void *const *blocks, unsigned count);

static _Atomic unsigned visits; /* to the heap */

unsigned __wrap_heap_take_blocks(struct heap *heap, unsigned class, void **blocks,
				 unsigned count)
{
	atomic_fetch_add(&visits, 1);
	return __real_heap_take_blocks(heap, class, blocks, count);
}

void __wrap_heap_put_blocks(struct heap *heap, void *const *blocks, unsigned count)
{
	atomic_fetch_add(&visits, 1);
	__real_heap_put_blocks(heap, blocks, count);
}

static void *blocks[BLOCKS_MAX];
static uint32_t first_limits[CLASS_COUNT];

static void set_up(void)
{
	unsigned class;

	hak_free(hak_malloc(1));
	ck_assert_ptr_nonnull(thread_cache_tls.cache);
	for (class = 0; class < CLASS_COUNT; class ++)
		first_limits[class] = thread_cache_tls.cache->limits[class];
}

static struct bin *bin_of(unsigned class)
{
	return &thread_cache_tls.cache->bins[class];
}

static uint32_t limit_of(unsigned class)
{
	return thread_cache_tls.cache->limits[class];
}

static void check_bins(void)
{
	unsigned class;

	bins_check(thread_cache_tls.cache);
	for (class = 0; class < CLASS_COUNT; class ++)
		ck_assert_uint_ge(limit_of(class),
				  thread_cache_first_limit(thread_cache_tls.cache, class));
}

/* A size whose class is by size: others are reached by alignment only. */
static size_t size_for(unsigned class)
{
	size_t size = size_class_table[class].size;

	return size_class_of(size) == class ? size : size - 64;
}

static void flush_all(void)
{
	struct thread_cache *cache = lease_take_own();

	thread_cache_flush_all(cache);
	lease_put(cache);
}

static void cycle(size_t size, unsigned count)
{
	unsigned i;

	for (i = 0; i < count; i++) {
		blocks[i] = hak_malloc(size);
		ck_assert_ptr_nonnull(blocks[i]);
		*(unsigned *)blocks[i] = i;
	}
	for (i = 0; i < count; i++)
		hak_free(blocks[i]);
}

/* _i: class. A loop learns to keep what it turns over, up to 8192 blocks or 16 MiB. */
START_TEST(a_loop_over_more_blocks_than_its_limit_ends_up_in_its_bin)
{
	static const unsigned times[] = { 2, 4, 30 };
	unsigned class = (unsigned)_i, i, round;

	for (i = 0; i < 3; i++) {
		unsigned count = times[i] * first_limits[class];

		if (count * size_for(class) > 8 * MiB)
			continue;
		for (round = 0; round < 3; round++)
			cycle(size_for(class), count);
		atomic_store(&visits, 0);
		for (round = 0; round < 5; round++)
			cycle(size_for(class), count);
		ck_assert_uint_eq(atomic_load(&visits), 0);
		check_bins();
	}
}
END_TEST

#define SLOTS_CHANGED_MOST 1100 /* 9 KiB are moved in less than a microsecond */

/* Slots of the bin's array that are not what they were; notes what they are. */
static unsigned slots_changed(unsigned class, void **noted)
{
	const struct bin_slots *slots = &thread_cache_tls.cache->slots[class];
	unsigned i, changed = 0;

	for (i = 0; i < bin_array_slots(slots->order); i++) {
		changed += noted[i] != slots->array[i];
		noted[i] = slots->array[i];
	}
	return changed;
}

/* _i: class. Once its array has its size, a free writes to a part of it at most. */
START_TEST(no_free_moves_all_that_a_large_bin_holds)
{
	static void *noted[BIN_ARRAY_MOST];
	unsigned class = (unsigned)_i, count = 8000, i, most = 0, changed;
	void **array;

	for (i = 0; i < 6; i++)
		cycle(size_for(class), count);
	ck_assert_uint_ge(limit_of(class), 4000);
	for (i = 0; i < 4 * count; i++)
		blocks[i] = hak_malloc(size_for(class));
	for (i = 0; i < 4 * count; i++) {
		array = thread_cache_tls.cache->slots[class].array;
		hak_free(blocks[i]);
		changed = slots_changed(class, noted);
		if (array == thread_cache_tls.cache->slots[class].array && changed > most && i)
			most = changed;
	}
	ck_assert_uint_le(most, SLOTS_CHANGED_MOST);
	check_bins();
}
END_TEST

/* What aligned.h pops without a look at any table but the cache's own. */
START_TEST(an_aligned_step_leads_to_the_smallest_class_that_is_so_aligned)
{
	size_t size, alignment;

	for (alignment = 32; alignment <= SMALL_SIZE_LIMIT; alignment *= 2)
		for (size = 1; size <= SMALL_SIZE_LIMIT; size++) {
			size_t step = SIZE_STEPS + ((size - 1) | (alignment - 1)) / 32;
			size_t class = thread_cache_tls.cache->bin_of_step[step] * (size_t)8 /
				       sizeof(struct bin);

			ck_assert_uint_eq(class, size_class_of_aligned(size, alignment));
		}
}
END_TEST

START_TEST(a_limit_falls_back_while_a_thread_only_frees)
{
	unsigned class = (unsigned)_i, count, i, grown;
	size_t size = size_for(class);

	for (i = 0; i < 4; i++)
		cycle(size, 8 * first_limits[class]);
	grown = limit_of(class);
	ck_assert_uint_gt(grown, 2 * first_limits[class]);
	count = 12 * grown;
	for (i = 0; i < count; i++)
		blocks[i] = hak_malloc(size);
	for (i = 0; i < count; i++)
		hak_free(blocks[i]);
	ck_assert_uint_eq(limit_of(class), first_limits[class]);
	ck_assert_uint_le(thread_cache_bin_count(bin_of(class)), first_limits[class]);
	check_bins();
}
END_TEST

static size_t claimed;

static void add_claims(struct heap *heap, void *argument)
{
	const struct thread_cache *cache = thread_cache_of_heap(heap);
	unsigned class;

	(void)argument;
	for (class = 0; class < CLASS_COUNT; class ++)
		claimed += (cache->limits[class] - thread_cache_first_limit(cache, class)) *
			   (size_class_table[class].size + sizeof(void *));
}

static size_t claimed_by_all(void)
{
	claimed = 0;
	heap_visit_all(add_claims, NULL);
	return claimed;
}

static void add_cached(struct heap *heap, void *bytes)
{
	struct bin *bins = thread_cache_of_heap(heap)->bins;
	unsigned class;

	for (class = 0; class < CLASS_COUNT; class ++)
		*(size_t *)bytes += thread_cache_bin_count(&bins[class]) *
				    (size_t)size_class_table[class].size;
}

static size_t cached_by_all(void)
{
	size_t bytes = 0;

	heap_visit_all(add_cached, &bytes);
	return bytes;
}

static pthread_barrier_t all_grown, all_counted;

static void grow(unsigned number)
{
	unsigned round, class, i;

	for (round = 0; round < 5; round++)
		for (class = number; class < CLASSES_BY_SIZE; class += 7) {
			unsigned count = 6 * first_limits[class];
			void **own = blocks + number * 4096;

			for (i = 0; i < count; i++)
				own[i] = hak_malloc(size_for(class));
			for (i = 0; i < count; i++)
				hak_free(own[i]);
		}
	check_bins();
	pthread_barrier_wait(&all_grown);
	pthread_barrier_wait(&all_counted);
}

static void grow_and_count(unsigned number)
{
	size_t budget = options.cache_max_bytes;

	if (number) {
		grow(number);
		return;
	}
	pthread_barrier_wait(&all_grown);
	ck_assert_uint_le(claimed_by_all(), budget);
	ck_assert_uint_ge(claimed_by_all(), budget / 2);
	pthread_barrier_wait(&all_counted);
}

/* _i: MiB */
START_TEST(all_caches_together_grow_by_the_budget_at_most)
{
	options.cache_max_bytes = (size_t)_i * MiB;
	pthread_barrier_init(&all_grown, NULL, 5);
	pthread_barrier_init(&all_counted, NULL, 5);
	unit_threads(5, grow_and_count);
	if (!_i)
		ck_assert_uint_eq(claimed_by_all(), 0);
}
END_TEST

static void cycle_in_thread(unsigned number)
{
	unsigned round;

	(void)number;
	for (round = 0; round < 5; round++)
		cycle(1000, 10000);
}

START_TEST(flushing_all_gives_the_budget_back)
{
	options.cache_max_bytes = 8 * MiB;
	unit_threads(1, cycle_in_thread);
	flush_all();
	ck_assert_uint_eq(claimed_by_all(), 0);
	cycle(1000, 8000);
	cycle(1000, 8000);
	ck_assert_uint_ge(claimed_by_all(), 6 * MiB);
}
END_TEST

static size_t cached_while_running;

static void fill_cache(unsigned number)
{
	unsigned class;

	(void)number;
	for (class = 0; class < CLASSES_BY_SIZE; class ++)
		cycle(size_for(class), 3 * first_limits[class]);
	cached_while_running = cached_by_all();
}

START_TEST(a_cache_without_a_thread_keeps_at_most_64_kib)
{
	size_t before = cached_by_all();

	unit_threads(1, fill_cache);
	ck_assert_uint_gt(cached_while_running, before + 64 * KiB);
	ck_assert_uint_le(cached_by_all(), before + 64 * KiB);
}
END_TEST

static unsigned heap_count;

static void count_heap(struct heap *heap, void *argument)
{
	(void)heap;
	(void)argument;
	heap_count++;
}

START_TEST(threads_one_after_the_other_share_one_cache)
{
	unsigned i;

	for (i = 0; i < 200; i++)
		unit_threads(1, cycle_in_thread);
	heap_visit_all(count_heap, NULL);
	ck_assert_uint_le(heap_count, 2);
}
END_TEST

static size_t bytes_for_bins;

/* One of each of 24 classes: the most bins that so many allocations can fill. */
static void ask_for_little(unsigned number)
{
	size_t before;
	unsigned i;

	(void)number;
	blocks[0] = hak_malloc(1);
	before = metadata_bytes();
	for (i = 1; i < 24; i++)
		blocks[i] = hak_malloc(size_for(i));
	bytes_for_bins = metadata_bytes() - before;
	for (i = 0; i < 24; i++)
		hak_free(blocks[i]);
}

START_TEST(the_bins_of_a_thread_that_asked_for_little_take_little)
{
	unit_threads(1, ask_for_little);
	ck_assert_uint_gt(bytes_for_bins, 0);
	ck_assert_uint_le(bytes_for_bins, 4 * KiB);
}
END_TEST

#define CROWD 1000

static pthread_barrier_t all_hold;
static _Atomic size_t most_for_bins;

/* The arrays of the calling thread's bins. */
static size_t bytes_of_bins(void)
{
	const struct thread_cache *cache = thread_cache_tls.cache;
	size_t bytes = 0, of;

	for (of = 0; of < CLASS_COUNT; of++)
		if (cache->slots[of].order != BIN_ARRAY_ORDERS)
			bytes += bin_array_slots(cache->slots[of].order) * sizeof(void *);
	return bytes;
}

static void *hold_little(void *unused)
{
	void *held[24];
	size_t bytes, most = atomic_load(&most_for_bins);
	unsigned i;

	for (i = 0; i < 24; i++)
		held[i] = hak_malloc(size_for(i));
	bytes = bytes_of_bins();
	while (bytes > most && !atomic_compare_exchange_weak(&most_for_bins, &most, bytes))
		;
	pthread_barrier_wait(&all_hold);
	while (i)
		hak_free(held[--i]);
	return unused;
}

/* All at once, the first ones among them, which share no slabs. */
START_TEST(the_bins_of_each_of_a_thousand_threads_take_little)
{
	static pthread_t threads[CROWD];
	pthread_attr_t attributes;
	unsigned i;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 64 * KiB);
	pthread_barrier_init(&all_hold, NULL, CROWD);
	for (i = 0; i < CROWD; i++)
		ck_assert_int_eq(pthread_create(&threads[i], &attributes, hold_little, NULL), 0);
	for (i = 0; i < CROWD; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_gt(most_for_bins, 0);
	ck_assert_uint_le(most_for_bins, 4 * KiB);
}
END_TEST

int main(void)
{
	TCase *tcase = unit_begin_between("thread_cache");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_loop_test(tcase, a_loop_over_more_blocks_than_its_limit_ends_up_in_its_bin, 0,
			    CLASSES_BY_SIZE);
	tcase_add_test(tcase, an_aligned_step_leads_to_the_smallest_class_that_is_so_aligned);
	tcase_add_loop_test(tcase, no_free_moves_all_that_a_large_bin_holds, 3, 5);
	tcase_add_loop_test(tcase, a_limit_falls_back_while_a_thread_only_frees, 0,
			    CLASSES_BY_SIZE);
	tcase_add_loop_test(tcase, all_caches_together_grow_by_the_budget_at_most, 0, 4);
	tcase_add_test(tcase, the_bins_of_a_thread_that_asked_for_little_take_little);
	tcase_add_test(tcase, the_bins_of_each_of_a_thousand_threads_take_little);
	tcase_add_test(tcase, flushing_all_gives_the_budget_back);
	tcase_add_test(tcase, a_cache_without_a_thread_keeps_at_most_64_kib);
	tcase_add_test(tcase, threads_one_after_the_other_share_one_cache);
	return unit_end();
}
