/* SPDX-License-Identifier: MIT */
/*
 * slab.c - does a slab hand out each of its blocks once, the low ones first and the untouched
 * ones sparingly, and does it refuse what is not a block of it that is in use?
 */
#include <config.h>

#include "middle/slab.h"

#include <signal.h>
#include <string.h>

#include "back/superslab_take.h"
#include "tests/unit/unit.h"

#define BATCH	  64
#define UNTOUCHED (4 * KiB) /* see slab_take_blocks */
#define RECYCLED  (16 * KiB)

static char nobody, heap_place;
static struct heap *const heap = (struct heap *)(void *)&heap_place;

/* The slab under test. */
static struct slab *slab;
static const struct size_class *class;
static uint32_t first;
static char *start;
static void *blocks[SLAB_BLOCKS_MAX];

static void set_up(void)
{
	size_class_init();
	ck_assert_int_eq(reservation_init(&nobody), 0);
}

static void create(unsigned of)
{
	bool zeroed;

	class = &size_class_table[of];
	first = superslab_take_slab(class->units, 1, 0, 0, &zeroed);
	ck_assert_uint_ne(first, UNIT_NONE);
	slab_create(first, of, heap, zeroed);
	slab = slab_unit(first);
	start = reservation_unit_start(first);
}

static unsigned bits_set(void)
{
	unsigned word, count = 0;

	for (word = 0; word < SLAB_BLOCKS_MAX / 64; word++)
		count += (unsigned)__builtin_popcountll(slab->free_bits[word]);
	return count;
}

static void check_count(unsigned taken)
{
	ck_assert_uint_eq(slab->free_blocks + taken, class->capacity);
	ck_assert_uint_eq(bits_set(), slab->free_blocks);
}

static unsigned take_all(void)
{
	unsigned taken = 0, count;

	while ((count = slab_take_blocks(
			slab, first, blocks + taken,
			(unsigned)min_size(BATCH, class->capacity - taken))) > 0)
		taken += count;
	ck_assert_uint_eq(taken, class->capacity);
	return taken;
}

START_TEST(a_fresh_slab_has_all_its_blocks_free)
{
	unsigned i;

	create((unsigned)_i);
	check_count(0);
	for (i = 0; i < class->units; i++) {
		ck_assert_ptr_eq(slab_at(first + i), slab);
		ck_assert_ptr_eq(slab_class(slab_unit(first + i)), class);
		ck_assert_ptr_eq(atomic_load(&slab_unit(first + i)->heap), heap);
	}
	slab_destroy(first);
	for (i = 0; i < class->units; i++)
		ck_assert_ptr_null(atomic_load(&slab_unit(first + i)->heap));
}
END_TEST

/* The second half of the loop: in memory that was another slab's. */
START_TEST(untouched_blocks_are_taken_in_order_and_sparingly)
{
	unsigned taken = 0, i;

	create((unsigned)_i % CLASS_COUNT);
	slab->zeroed = _i < CLASS_COUNT;
	while (taken < class->capacity) {
		void *batch[BATCH];
		unsigned count = slab_take_blocks(slab, first, batch, BATCH);

		ck_assert_uint_ge(count, 1);
		ck_assert(count == 1 ||
			  count * class->size <= (slab->zeroed ? UNTOUCHED : RECYCLED));
		for (i = 0; i < count; i++, taken++)
			ck_assert_ptr_eq(batch[i], start + (size_t)taken * class->size);
		check_count(taken);
		ck_assert_uint_eq(slab->untouched_from, taken);
	}
	ck_assert_uint_eq(slab_take_blocks(slab, first, blocks, BATCH), 0);
}
END_TEST

START_TEST(no_more_than_asked_for_is_taken)
{
	unsigned count;

	create((unsigned)_i);
	for (count = 1; count <= 3; count++)
		ck_assert_uint_le(slab_take_blocks(slab, first, blocks, count), count);
	ck_assert_uint_eq(slab_take_blocks(slab, first, blocks, 0), 0);
}
END_TEST

/* Every block is put back in some order; those in the lower half are then the lowest free. */
START_TEST(low_blocks_are_taken_first_however_they_were_put)
{
	struct unit_random random = unit_random_begin();
	char *previous = NULL;
	unsigned i, count;

	create((unsigned)_i);
	take_all();
	unit_shuffle(&random, blocks, class->capacity);
	for (i = 0; i < class->capacity; i++) {
		slab_put_blocks(slab, first, &blocks[i], 1);
		check_count(class->capacity - i - 1);
	}
	for (i = 0; i < class->capacity; i += count) {
		unsigned j;

		count = slab_take_blocks(slab, first, blocks, 7);
		ck_assert_uint_eq(count, min_size(7, class->capacity - i));
		for (j = 0; j < count; j++) {
			ck_assert((char *)blocks[j] > previous);
			previous = blocks[j];
		}
	}
}
END_TEST

/* Blocks of the slab, one of the next superslab's, and one of the slab again. */
START_TEST(as_many_are_put_as_are_of_the_slab_in_a_row)
{
	unsigned taken;

	create((unsigned)_i);
	taken = slab_take_blocks(slab, first, blocks, BATCH);
	blocks[taken] = reservation_unit_start((first / SUPERSLAB_UNITS + 1) * SUPERSLAB_UNITS);
	blocks[taken + 1] = start;
	ck_assert_uint_eq(slab_put_blocks(slab, first, blocks, taken + 2), taken);
	check_count(0);
}
END_TEST

START_TEST(used_blocks_come_before_untouched_ones)
{
	unsigned used, count;

	create((unsigned)_i);
	used = slab_take_blocks(slab, first, blocks, BATCH);
	slab_put_blocks(slab, first, &blocks[0], 1);
	count = slab_take_blocks(slab, first, blocks, BATCH);
	ck_assert_uint_eq(count, 1);
	ck_assert_ptr_eq(blocks[0], start);
	ck_assert_uint_eq(slab->untouched_from, used);
}
END_TEST

START_TEST(random_taking_and_putting_agrees_with_a_shadow)
{
	struct unit_random random = unit_random_begin();
	static bool in_use[SLAB_BLOCKS_MAX];
	unsigned held = 0, round, i;

	create((unsigned)_i);
	for (round = 0; round < 2000; round++) {
		if (unit_random_next(&random) % 2 || held == class->capacity) {
			for (i = (unsigned)unit_random_between(&random, 0, 40); i && held;
			     i--) {
				size_t which = unit_random_between(&random, 0, held - 1);

				in_use[((char *)blocks[which] - start) / class->size] =
					false;
				slab_put_blocks(slab, first, &blocks[which], 1);
				blocks[which] = blocks[--held];
			}
		} else {
			unsigned room = (unsigned)min_size(BATCH, class->capacity - held);
			unsigned count =
				slab_take_blocks(slab, first, blocks + held, room);

			ck_assert_uint_ge(count, 1);
			for (; count; count--, held++) {
				size_t offset = (size_t)((char *)blocks[held] - start);
				size_t index = offset / class->size;

				ck_assert(offset % class->size == 0 &&
					  index < class->capacity);
				ck_assert(!in_use[index]);
				in_use[index] = true;
			}
		}
		check_count(held);
	}
}
END_TEST

START_TEST(every_address_has_the_index_of_its_block)
{
	size_t bytes, offset;

	create((unsigned)_i);
	bytes = class->units * UNIT_SIZE;
	for (offset = 0; offset < bytes; offset += 8) {
		size_t index = min_size(offset / class->size, class->capacity);

		ck_assert_uint_eq(slab_block_index(slab, first, start + offset), index);
	}
}
END_TEST

static void put(void *block)
{
	slab_put_blocks(slab, first, &block, 1);
}

START_TEST(putting_a_block_twice_aborts)
{
	create((unsigned)_i);
	take_all();
	put(blocks[0]);
	unit_expect_abort(put, blocks[0], "double free of %p (size class %u)", blocks[0],
			  class->size);
	if (class->capacity == 1)
		return;
	put(blocks[class->capacity - 1]);
	unit_expect_abort(put, blocks[class->capacity - 1],
			  "double free of %p (size class %u)",
			  blocks[class->capacity - 1], class->size);
}
END_TEST

START_TEST(putting_a_block_that_was_never_taken_aborts)
{
	create((unsigned)_i);
	unit_expect_abort(put, start, "double free of %p (size class %u)", (void *)start,
			  class->size);
}
END_TEST

START_TEST(putting_an_address_inside_a_block_aborts)
{
	static const size_t inside[] = { 16, 48, 64, 4096 };
	unsigned i;

	create((unsigned)_i);
	take_all();
	for (i = 0; i < sizeof(inside) / sizeof(inside[0]); i++) {
		char *block = blocks[class->capacity - 1];

		if (inside[i] < class->size)
			unit_expect_abort(put, block + inside[i],
					  "free of %p, which lies inside the block at %p "
					  "(size class %u)",
					  (void *)(block + inside[i]), (void *)block,
					  class->size);
	}
}
END_TEST

START_TEST(putting_an_address_behind_the_last_block_aborts)
{
	char *end;

	create((unsigned)_i);
	end = start + (size_t) class->capacity * class->size;
	if (end == start + class->units * UNIT_SIZE)
		return; /* nothing is left there */
	unit_expect_abort(put, end, "free of %p, which is not a block of this heap",
			  (void *)end);
}
END_TEST

START_TEST(misuse_ends_the_process)
{
	create(0);
	put(start);
}
END_TEST

int main(void)
{
	TCase *tcase = unit_begin("slab");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_loop_test(tcase, a_fresh_slab_has_all_its_blocks_free, 0, CLASS_COUNT);
	tcase_add_loop_test(tcase, untouched_blocks_are_taken_in_order_and_sparingly, 0,
			    2 * CLASS_COUNT);
	tcase_add_loop_test(tcase, no_more_than_asked_for_is_taken, 0, CLASS_COUNT);
	tcase_add_loop_test(tcase, low_blocks_are_taken_first_however_they_were_put, 0,
			    CLASS_COUNT);
	tcase_add_loop_test(tcase, as_many_are_put_as_are_of_the_slab_in_a_row, 0,
			    CLASS_COUNT);
	tcase_add_loop_test(tcase, used_blocks_come_before_untouched_ones, 0,
			    CLASS_COUNT);
	tcase_add_loop_test(tcase, random_taking_and_putting_agrees_with_a_shadow, 0,
			    CLASS_COUNT);
	tcase_add_loop_test(tcase, every_address_has_the_index_of_its_block, 0,
			    CLASS_COUNT);
	tcase_add_loop_test(tcase, putting_a_block_twice_aborts, 0, CLASS_COUNT);
	tcase_add_loop_test(tcase, putting_a_block_that_was_never_taken_aborts, 0,
			    CLASS_COUNT);
	tcase_add_loop_test(tcase, putting_an_address_inside_a_block_aborts, 0,
			    CLASS_COUNT);
	tcase_add_loop_test(tcase, putting_an_address_behind_the_last_block_aborts, 0,
			    CLASS_COUNT);
	tcase_add_test_raise_signal(tcase, misuse_ends_the_process, SIGABRT);
	return unit_end();
}
