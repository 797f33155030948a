/* SPDX-License-Identifier: MIT */
/*
 * reclaim.c - is what a thread keeps taken when it has not used it for a while, and left alone
 * when it has? The clock is the test's.
 */
#include <config.h>

#include "back/charge.h"
#include "back/metadata.h"
#include "upkeep/reclaim.h"

#include <stdatomic.h>
#include <stdbool.h>

#include <hakmem/hakmem.h>

#include "control/usage.h"
#include "front/seizure.h"
#include "front/thread_cache.h"
#include "os/barrier.h"
#include "os/thread.h"
#include "os/vm.h"
#include "support/options.h"

#include "tests/unit/unit.h"

#define BLOCKS	30000
#define LOOK_NS 250000000ull

static char *blocks[BLOCKS];
static unsigned kept_one_in;	/* so that most pages have none, and each slab has one */
static uint64_t time_ns = 1;
static struct remote_outbox outbox;
static struct heap *sleepers_heap;
static void *comes_late;

uint64_t __wrap_process_now_ns(void);

static struct reclaim_counts counts(void)
{
	struct reclaim_counts counts;

	reclaim_read(&counts);
	return counts;
}

/* Asked between the emptying of a cache and its end, too. */
uint64_t __wrap_process_now_ns(void)
{
	void *block = comes_late;

	if (block && counts().seizures) {
		comes_late = NULL;
		ck_assert(remote_free_send_one(&outbox, sleepers_heap, block));
	}
	return time_ns;
}

static void set_up(void)
{
	barrier_init();
	options.decay_ms = 1000;
	kept_one_in = vm_page_size() > 4 * KiB ? 250 : 100;
	reclaim_begin();
	hak_free(hak_malloc(1));
}

/* Everything that can be done at this moment. */
static uint64_t look(void)
{
	uint64_t sleep;

	time_ns += LOOK_NS;
	do
		sleep = reclaim_tick();
	while (!sleep);
	return sleep;
}

static void use(size_t size, unsigned number)
{
	unsigned i;

	for (i = 0; i < number; i++)
		blocks[i] = hak_malloc(size);
	for (i = 0; i < number; i++)
		hak_free(blocks[i]);
}

START_TEST(a_cache_that_is_not_used_is_emptied)
{
	use(1000, 60);
	look();
	ck_assert_uint_eq(counts().emptied, 0);
	look();
	ck_assert_uint_ge(counts().emptied, 60000);
	look();
	ck_assert_uint_eq(counts().seizures, 1);
}
END_TEST

START_TEST(what_others_free_while_a_cache_is_emptied_comes_home_at_a_later_look)
{
	unsigned i;

	comes_late = hak_malloc(1000);
	sleepers_heap = &thread_cache_tls.cache->heap;
	use(1000, 60);
	for (i = 0; i < 12; i++)
		look();
	ck_assert_ptr_null(comes_late);
	ck_assert(!remote_free_is_waiting(sleepers_heap));
	ck_assert_uint_eq(look(), UINT64_MAX);
}
END_TEST

START_TEST(a_cache_that_is_used_is_left_alone)
{
	unsigned i;
	void *last = NULL;

	for (i = 0; i < 20; i++) {
		void *block = hak_malloc(1000);

		hak_free(last);
		last = block;
		use(500, i);
		look();
	}
	hak_free(last);
	ck_assert_uint_eq(counts().emptied, 0);
}
END_TEST

START_TEST(an_idle_process_is_not_looked_at_for_ever)
{
	unsigned i;

	use(1000, 60);
	for (i = 0; i < 12; i++)
		look();
	ck_assert_uint_eq(look(), UINT64_MAX);
}
END_TEST

START_TEST(holes_between_survivors_are_given_back_and_survivors_kept)
{
	unsigned i;

	if (unit_skip_if(vm_page_size() == UNIT_SIZE, "a slab of such blocks is one page"))
		return;
	for (i = 0; i < BLOCKS; i++) {
		blocks[i] = hak_malloc(256);
		unit_fill(blocks[i], 256, i);
	}
	for (i = 0; i < BLOCKS; i++)
		if (i % kept_one_in)
			hak_free(blocks[i]);
	for (i = 0; i < 12; i++)
		look();
	ck_assert_uint_ge(counts().combed, BLOCKS * 256u / 10 * 7);
	for (i = 0; i < BLOCKS; i += kept_one_in)
		ck_assert(unit_is_filled(blocks[i], 256, i));
	for (i = 0; i < BLOCKS; i++)
		if (i % kept_one_in)
			blocks[i] = hak_malloc(256);
	for (i = 0; i < BLOCKS; i++)
		unit_fill(blocks[i], 256, i);
	for (i = 0; i < BLOCKS; i++)
		ck_assert(unit_is_filled(blocks[i], 256, i));
}
END_TEST

START_TEST(release_latency_leaves_partly_used_slabs_alone)
{
	unsigned i;

	options.release = RELEASE_MODE_LATENCY;
	for (i = 0; i < BLOCKS; i++)
		blocks[i] = hak_malloc(256);
	for (i = 0; i < BLOCKS; i++)
		if (i % kept_one_in)
			hak_free(blocks[i]);
	for (i = 0; i < 12; i++)
		look();
	ck_assert_uint_eq(counts().combed, 0);
	ck_assert_uint_gt(counts().emptied, 0);
}
END_TEST

START_TEST(a_purge_does_not_wait)
{
	unsigned i;
	size_t bytes;

	if (unit_skip_if(vm_page_size() == UNIT_SIZE, "a slab of such blocks is one page"))
		return;
	for (i = 0; i < BLOCKS; i++)
		blocks[i] = hak_malloc(256);
	for (i = 0; i < BLOCKS; i++)
		if (i % kept_one_in)
			hak_free(blocks[i]);
	bytes = hak_purge();
	ck_assert_uint_ge(bytes, BLOCKS * 256u / 10 * 7);
	ck_assert_uint_lt(hak_purge(), 64 * KiB);
}
END_TEST

/* The cache that it borrows is a new one. */
START_TEST(a_thread_that_wakes_while_its_cache_is_seized_makes_no_memory_call)
{
	void *block = hak_malloc(64);
	struct thread_cache *own = thread_cache_tls.cache;
	size_t calls;

	/* As in a process with many threads: none is left that is open already. */
	while (metadata_take_open(4 * KiB))
		;
	ck_assert(seizure_take(own));
	calls = vm_calls_of_application();
	hak_free(block);
	block = hak_malloc(64);
	ck_assert_uint_eq(vm_calls_of_application(), calls);
	seizure_put(own);
	hak_free(block);
}
END_TEST

/* The one who seized it may be off the processor for long. */
START_TEST(what_a_thread_frees_while_its_cache_is_seized_goes_in_batches)
{
	struct thread_cache *own = thread_cache_tls.cache;
	size_t before, taken = charge_taken_bytes();
	unsigned i;

	for (i = 0; i < BLOCKS; i++)
		blocks[i] = hak_malloc(64);
	ck_assert(seizure_take(own));
	before = metadata_bytes();
	for (i = 0; i < BLOCKS; i++)
		hak_free(blocks[i]);
	ck_assert_uint_lt(metadata_bytes() - before, BLOCKS * 2 * sizeof(void *));
	seizure_put(own);
	/* None is lost on the way, and none waits for a thread that may not come. */
	while (look() != UINT64_MAX)
		;
	ck_assert_uint_le(charge_taken_bytes(), taken);
}
END_TEST

static void free_beside_a_seizure(unsigned number)
{
	static struct thread_cache *_Atomic seized;
	static atomic_bool freed;
	struct usage usage;
	unsigned i;

	if (number) {
		while (!seized)
			thread_yield();
		while (!freed)
			thread_yield();
		thread_nap(2000000);
		seizure_put(seized);
		return;
	}
	for (i = 0; i < BLOCKS; i++)
		blocks[i] = hak_malloc(64);
	ck_assert(seizure_take(thread_cache_tls.cache));
	seized = thread_cache_tls.cache;
	for (i = 0; i < BLOCKS; i++)
		hak_free(blocks[i]);
	freed = true;
	hak_purge();
	usage_read(&usage);
	ck_assert_uint_lt(usage.blocks_in_use, 64 * KiB);
}

START_TEST(a_purge_has_what_was_freed_beside_a_seizure)
{
	unit_threads(2, free_beside_a_seizure);
}
END_TEST

int main(void)
{
	TCase *tcase = unit_begin("reclaim");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, a_cache_that_is_not_used_is_emptied);
	tcase_add_test(tcase,
		       what_others_free_while_a_cache_is_emptied_comes_home_at_a_later_look);
	tcase_add_test(tcase, a_cache_that_is_used_is_left_alone);
	tcase_add_test(tcase, an_idle_process_is_not_looked_at_for_ever);
	tcase_add_test(tcase, holes_between_survivors_are_given_back_and_survivors_kept);
	tcase_add_test(tcase, release_latency_leaves_partly_used_slabs_alone);
	tcase_add_test(tcase, a_purge_does_not_wait);
	tcase_add_test(tcase, what_a_thread_frees_while_its_cache_is_seized_goes_in_batches);
	tcase_add_test(tcase, a_purge_has_what_was_freed_beside_a_seizure);
	tcase_add_test(tcase, a_thread_that_wakes_while_its_cache_is_seized_makes_no_memory_call);
	return unit_end();
}
