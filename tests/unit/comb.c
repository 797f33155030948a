/* SPDX-License-Identifier: MIT */
/*
 * comb.c - are the pages that combing gives back exactly those in which no block is live, for
 * every size class and every size of pages, and no others?
 */
#include <config.h>

#include "upkeep/comb.h"

#include <string.h>

#include <hakmem/hakmem.h>

#include "front/lease.h"
#include "middle/slab.h"

#include "tests/unit/unit.h"

#define BLOCKS_MAX 5000
static const size_t page_sizes[] = { 4 * KiB, 16 * KiB, 64 * KiB };

static char *blocks[BLOCKS_MAX];
static unsigned count;
static struct release_span sent[BLOCKS_MAX];
static unsigned sent_count;

static uint32_t note(const struct release_span *spans, unsigned number)
{
	ck_assert_uint_le(number, RELEASE_SPANS_MOST);
	memcpy(sent + sent_count, spans, number * sizeof(*spans));
	sent_count += number;
	return UINT32_MAX;
}

static bool never(void *argument)
{
	(void)argument;
	return false;
}

static bool is_sent(const char *address)
{
	unsigned i;

	for (i = 0; i < sent_count; i++)
		if (address >= sent[i].start && address < sent[i].start + sent[i].bytes)
			return true;
	return false;
}

/* Two slabs of a class, a random share of their blocks live. */
static void make_survivors(unsigned class, unsigned one_in)
{
	struct unit_random random = unit_random_begin();
	size_t size = size_class_table[class].size;
	unsigned i, all = 2u * size_class_table[class].capacity;

	for (count = i = 0; i < all && i < BLOCKS_MAX; i++) {
		blocks[count] = hak_malloc(size_class_of(size) == class ? size : size - 64);
		ck_assert_ptr_nonnull(blocks[count++]);
	}
	for (i = 0; i < count; i++)
		if (unit_random_next(&random) % one_in) {
			hak_free(blocks[i]);
			blocks[i--] = blocks[--count];
		}
}

static struct comb comb_pages(size_t page_bytes, uint8_t round, unsigned least_percent)
{
	struct thread_cache *cache = lease_take_own();
	struct comb comb = { .release = note, .is_over = never, .round = round,
			     .least_percent = least_percent, .page_bytes = page_bytes };

	thread_cache_flush_bins(cache);
	comb_heap(&comb, &cache->heap);
	lease_put(cache);
	return comb;
}

static struct comb comb_own(uint8_t round, unsigned least_percent)
{
	return comb_pages(4 * KiB, round, least_percent);
}

static bool holds_a_live_block(const char *page, size_t page_bytes, size_t size)
{
	unsigned i;

	for (i = 0; i < count; i++)
		if (blocks[i] < page + page_bytes && blocks[i] + size > page)
			return true;
	return false;
}

/* What was sent are whole pages of the slab that block is in, those without a live block. */
static void check_slab_of(const char *block, size_t page_bytes, const struct size_class *class)
{
	uint32_t unit = reservation_unit_of(block);
	char *start = reservation_unit_start(unit - slab_unit(unit)->position), *page;

	for (page = start; page < start + class->units * UNIT_SIZE; page += page_bytes)
		ck_assert_int_eq(is_sent(page), !holds_a_live_block(page, page_bytes, class->size));
}

/* _i: class, three times, with pages of each size */
START_TEST(pages_without_a_live_block_go_and_no_others)
{
	const struct size_class *class = &size_class_table[_i % CLASSES_BY_SIZE];
	size_t page_bytes = page_sizes[_i / CLASSES_BY_SIZE];
	unsigned i;

	make_survivors(_i % CLASSES_BY_SIZE, class->size < 1000 ? 60 : 4);
	comb_pages(page_bytes, 0, 0);
	for (i = 0; i < count; i++)
		check_slab_of(blocks[i], page_bytes, class);
	for (i = 0; i < sent_count; i++)
		ck_assert_uint_eq(((uintptr_t)sent[i].start | sent[i].bytes) % page_bytes, 0);
}
END_TEST

START_TEST(a_slab_is_combed_when_nothing_was_taken_from_it_for_a_round)
{
	make_survivors(size_class_of(256), 20);
	ck_assert(comb_own(1, 0).unsettled);
	ck_assert_uint_eq(sent_count, 0);
	ck_assert_uint_eq(comb_own(1, 0).released_bytes, 0);
	ck_assert_uint_gt(comb_own(2, 0).released_bytes, 16 * KiB);
	ck_assert(!comb_is_due(&thread_cache_tls.cache->heap));
	ck_assert_uint_eq(comb_own(3, 0).released_bytes, 0);
	/* In use: from the beginning. */
	hak_free(hak_malloc(256));
	ck_assert_uint_eq(comb_own(4, 0).released_bytes, 0);
	ck_assert(comb_is_due(&thread_cache_tls.cache->heap));
	ck_assert_uint_gt(comb_own(5, 0).released_bytes, 0);
}
END_TEST

/* It is on its way to be empty: nobody need wait, and what is known to be a hole stays as it is. */
START_TEST(a_combed_slab_is_combed_again_when_more_of_it_is_free)
{
	bool other_stays = false;
	unsigned i;

	make_survivors(size_class_of(256), 20);
	comb_own(1, 0);
	ck_assert_uint_gt(comb_own(2, 0).released_bytes, 16 * KiB);
	/* The class is in use. */
	hak_free(hak_malloc(256));
	/* One of each slab stays. */
	for (i = 1; i < count; i++) {
		bool is_other = reservation_unit_of(blocks[i]) != reservation_unit_of(blocks[0]);

		if (is_other && !other_stays) {
			other_stays = true;
			continue;
		}
		hak_free(blocks[i]);
		blocks[i--] = blocks[--count];
	}
	ck_assert_uint_gt(comb_own(3, 0).released_bytes, 0);
}
END_TEST

/* What the load has left shrinks block by block, and is not waited for. */
START_TEST(a_class_that_nothing_is_taken_of_is_combed_at_once)
{
	make_survivors(size_class_of(256), 20);
	comb_own(1, 0);
	hak_free(blocks[--count]);
	ck_assert_uint_gt(comb_own(2, 0).released_bytes, 16 * KiB);
	hak_free(hak_malloc(256));
	while (count)
		hak_free(blocks[--count]);
	ck_assert_uint_eq(comb_own(3, 0).released_bytes, 0);
}
END_TEST

START_TEST(a_slab_with_few_holes_stays_whole)
{
	make_survivors(size_class_of(4000), 2);
	ck_assert_uint_eq(comb_own(0, 101).released_bytes, 0);
}
END_TEST

static unsigned asked;

static bool after_one(void *argument)
{
	(void)argument;
	return asked++ > 0;
}

START_TEST(what_is_stopped_goes_on_later)
{
	struct comb comb = { .release = note, .is_over = after_one,
			     .page_bytes = 4 * KiB };
	struct thread_cache *cache;

	make_survivors(size_class_of(256), 20);
	cache = lease_take_own();
	thread_cache_flush_bins(cache);
	comb_heap(&comb, &cache->heap);
	ck_assert(comb.stopped);
	ck_assert(comb_is_due(&cache->heap));
	lease_put(cache);
	ck_assert_uint_gt(comb_own(0, 0).released_bytes, 0);
	ck_assert(!comb_is_due(&cache->heap));
}
END_TEST

static void set_up(void)
{
	hak_free(hak_malloc(1));
}

int main(void)
{
	TCase *tcase = unit_begin("comb");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_loop_test(tcase, pages_without_a_live_block_go_and_no_others, 0,
			    3 * CLASSES_BY_SIZE);
	tcase_add_test(tcase, a_slab_is_combed_when_nothing_was_taken_from_it_for_a_round);
	tcase_add_test(tcase, a_combed_slab_is_combed_again_when_more_of_it_is_free);
	tcase_add_test(tcase, a_class_that_nothing_is_taken_of_is_combed_at_once);
	tcase_add_test(tcase, a_slab_with_few_holes_stays_whole);
	tcase_add_test(tcase, what_is_stopped_goes_on_later);
	return unit_end();
}
