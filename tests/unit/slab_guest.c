/* SPDX-License-Identifier: MIT */
/*
 * slab_guest.c - do guests lie in free blocks alone, does each know its bytes, is all of one free
 * when its first block is, and is what is no block refused?
 */
#include <config.h>

#include "middle/slab.h"
#include "middle/slab_guest.h"

#include <stdlib.h>

#include "back/superslab_take.h"
#include "tests/unit/unit.h"

#define BATCH	 64
#define SIZE	 112
#define ROUNDS	 200
#define LENGTHS	 80	/* longer than a word of bits */

static char nobody, heap_place;
static struct slab *slab;
static const struct size_class *class;
static uint32_t first;
static char *start;
static unsigned owner_of[SLAB_BLOCKS_MAX];	/* 0: free; else whose block it is */

static void set_up(void)
{
	bool zeroed;

	size_class_init();
	ck_assert_int_eq(reservation_init(&nobody), 0);
	class = &size_class_table[size_class_of(SIZE)];
	first = superslab_take_slab(1, 1, 0, 0, &zeroed);
	ck_assert_uint_ne(first, UNIT_NONE);
	slab_create(first, size_class_of(SIZE), (struct heap *)(void *)&heap_place, zeroed);
	slab = slab_unit(first);
	start = reservation_unit_start(first);
}

static char *at(unsigned index)
{
	return start + (size_t)index * SIZE;
}

static void put(void *block)
{
	slab_put_blocks(slab, first, &block, 1);
}

static void take_all(void)
{
	void *blocks[BATCH];
	unsigned taken = 0;

	while (taken < class->capacity)
		taken += slab_take_blocks(slab, first, blocks, BATCH);
}

/* All are handed out; one in keep stays. */
static void thin_out(unsigned keep)
{
	unsigned i;

	take_all();
	for (i = 0; i < class->capacity; i++) {
		owner_of[i] = i % keep ? 0 : i + 1;
		if (!owner_of[i])
			put(at(i));
	}
}

static void own(unsigned index, unsigned length, unsigned owner)
{
	unsigned i;

	for (i = index; i < index + length; i++) {
		ck_assert(!owner != !owner_of[i]);
		owner_of[i] = owner;
	}
}

static size_t bytes_at(unsigned index)
{
	return slab_block_bytes((uintptr_t)at(index) - reservation.base);
}

static unsigned free_ones(void)
{
	unsigned i, count = 0;

	for (i = 0; i < class->capacity; i++)
		count += !owner_of[i];
	return count;
}

START_TEST(guests_lie_in_free_blocks_alone)
{
	unsigned length = (unsigned)_i, taken, i;
	void *blocks[BATCH];

	thin_out(LENGTHS + 1);
	taken = slab_guest_take(slab, first, blocks, BATCH, length);
	ck_assert_uint_ge(taken, min_size(BATCH, class->capacity / (LENGTHS + 1)));
	for (i = 0; i < taken; i++) {
		unsigned index = slab_block_index(slab, first, blocks[i]);

		ck_assert_ptr_eq(blocks[i], at(index));
		own(index, length, index + 1);
		ck_assert_uint_eq(bytes_at(index), (size_t)length * SIZE);
		ck_assert_uint_eq(bytes_at(index + 1), 0);
	}
	ck_assert_uint_eq(slab->free_blocks, free_ones());
	ck_assert_uint_eq(bytes_at(0), SIZE);
	for (i = 0; i < taken; i++)
		put(blocks[i]);
	ck_assert_uint_eq(slab_guests(slab), 0);
	ck_assert_uint_eq(slab->free_blocks, free_ones() + taken * length);
}
END_TEST

START_TEST(guests_that_come_and_go_agree_with_a_shadow)
{
	unsigned lengths[SLAB_BLOCKS_MAX] = { 0 }, round;

	thin_out(LENGTHS / 4);
	srand(1);
	for (round = 0; round < ROUNDS; round++) {
		unsigned length = 2 + (unsigned)rand() % 12, index;
		void *block;

		if (slab_guest_take(slab, first, &block, 1, length)) {
			index = slab_block_index(slab, first, block);
			own(index, length, index + 1);
			lengths[index] = length;
		}
		index = (unsigned)rand() % class->capacity;
		if (lengths[index] && rand() % 2) {
			ck_assert_uint_eq(bytes_at(index), (size_t)lengths[index] * SIZE);
			put(at(index));
			own(index, lengths[index], 0);
			lengths[index] = 0;
		}
		ck_assert_uint_eq(slab->free_blocks, free_ones());
	}
}
END_TEST

START_TEST(no_guest_is_taken_where_none_fits)
{
	void *block;

	thin_out(4);
	ck_assert_uint_eq(slab_guest_take(slab, first, &block, 1, 4), 0);
	ck_assert_uint_eq(slab_guest_take(slab, first, &block, 1, 3), 1);
	put(at(4));	/* with its neighbours it is a run again */
	ck_assert_uint_eq(slab_guest_take(slab, first, &block, 1, 4), 1);
}
END_TEST

START_TEST(the_inside_of_a_guest_is_no_block)
{
	void *guest;
	char *inside;

	thin_out(8);
	ck_assert_uint_eq(slab_guest_take(slab, first, &guest, 1, 3), 1);
	inside = (char *)guest + SIZE;
	unit_expect_abort(put, inside,
			  "free of %p, which lies inside the block at %p (size class %u)",
			  (void *)inside, guest, SIZE);
	put(guest);
	unit_expect_abort(put, guest, "double free of %p (size class %u)", guest, SIZE);
}
END_TEST

/* Found block after block, each as low as can be. */
static unsigned places_for(unsigned length)
{
	unsigned index, run = 0, places = 0;

	for (index = 0; index < class->capacity; index++) {
		run = owner_of[index] ? 0 : run + 1;
		if (run == length) {
			places++;
			run = 0;
		}
	}
	return places;
}

/* Runs lie within words of bits, across two of them, and over several. */
START_TEST(no_place_for_a_guest_is_passed_over)
{
	static void *guests[SLAB_BLOCKS_MAX];
	struct unit_random random = unit_random_begin();
	unsigned length = (unsigned)_i, i;

	take_all();
	for (i = 0; i < class->capacity; i++) {
		owner_of[i] = unit_random_between(&random, 0, 2 * length) ? 0 : i + 1;
		if (!owner_of[i])
			put(at(i));
	}
	ck_assert_uint_eq(slab_guest_take(slab, first, guests, SLAB_BLOCKS_MAX, length),
			  places_for(length));
}
END_TEST

int main(void)
{
	TCase *tcase = unit_begin("slab_guest");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_loop_test(tcase, guests_lie_in_free_blocks_alone, 2, LENGTHS);
	tcase_add_loop_test(tcase, no_place_for_a_guest_is_passed_over, 2, 130);
	tcase_add_test(tcase, guests_that_come_and_go_agree_with_a_shadow);
	tcase_add_test(tcase, no_guest_is_taken_where_none_fits);
	tcase_add_test(tcase, the_inside_of_a_guest_is_no_block);
	return unit_end();
}
