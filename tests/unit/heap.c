/* SPDX-License-Identifier: MIT */
/*
 * heap.c - do the slabs of a heap come and go as blocks are taken and put, does a heap pass
 * whole from one thread to the next, and does a frozen one give back what frees alone fill?
 */
#include <config.h>

#include "back/charge.h"
#include "middle/heap.h"
#include "middle/heap_frozen.h"

#include <string.h>

#include "os/vm.h"

#include "tests/unit/no_memory.h"
#include "tests/unit/unit.h"

#define HEAPS	   6
#define BLOCKS_MAX 20000

/* The linker puts this between the files (--wrap). */
uint32_t __real_superslab_take_slab(unsigned units, unsigned alignment, unsigned home,
				      unsigned kind, bool *zeroed);
uint32_t __wrap_superslab_take_slab(unsigned units, unsigned alignment, unsigned home,
				      unsigned kind, bool *zeroed);

static unsigned slabs_taken;

uint32_t __wrap_superslab_take_slab(unsigned units, unsigned alignment, unsigned home,
				      unsigned kind, bool *zeroed)
{
	slabs_taken++;
	return __real_superslab_take_slab(units, alignment, home, kind, zeroed);
}

static char nobody;
static struct heap heaps[HEAPS];
static char bins[HEAPS][CLASS_COUNT * HEAP_BIN_BYTES];
static void *blocks[BLOCKS_MAX];

static void set_up(void)
{
	unsigned i;

	size_class_init();
	ck_assert_int_eq(reservation_init(&nobody), 0);
	for (i = 0; i < HEAPS; i++) {
		heap_create(&heaps[i], bins[i], 0);
		ck_assert_uint_eq(heaps[i].number, i);
	}
}

/* Takes until it has count. */
static void take(struct heap *heap, unsigned class, unsigned count)
{
	unsigned taken = 0, got;

	for (; taken < count; taken += got) {
		got = heap_take_blocks(heap, class, blocks + taken, count - taken);
		ck_assert_uint_ge(got, 1);
		ck_assert_uint_le(got, count - taken);
	}
}

static uint32_t slab_of(const void *block)
{
	uint32_t unit = reservation_unit_of(block);

	return unit - slab_unit(unit)->position;
}

static unsigned blocks_for(unsigned class)
{
	return 3 * size_class_table[class].capacity + 1;
}

START_TEST(blocks_of_a_class_are_distinct_and_know_their_bin)
{
	unsigned class = (unsigned)_i, count = blocks_for(class), i;
	size_t size = size_class_table[class].size;

	take(&heaps[1], class, count);
	for (i = 0; i < count; i++)
		unit_fill(blocks[i], size, (uint64_t)i << 40);
	for (i = 0; i < count; i++) {
		uint32_t unit = reservation_unit_of(blocks[i]);

		ck_assert(unit_is_filled(blocks[i], size, (uint64_t)i << 40));
		ck_assert_ptr_eq(reservation.bin_of_unit[unit],
				 bins[1] + class * HEAP_BIN_BYTES);
		ck_assert_ptr_eq(atomic_load(&slab_unit(unit)->heap), &heaps[1]);
	}
	ck_assert_uint_eq(slabs_taken, 4);
}
END_TEST

START_TEST(empty_slabs_go_back_but_for_a_few)
{
	struct unit_random random = unit_random_begin();
	unsigned class = (unsigned)_i, count = blocks_for(class), i;

	take(&heaps[0], class, count);
	unit_shuffle(&random, blocks, count);
	heap_put_blocks(&heaps[0], blocks, count);
	ck_assert_uint_le(charge_taken_bytes(), 1 * MiB);
	ck_assert_uint_eq(heaps[0].empty_units * UNIT_SIZE, charge_taken_bytes());
	heap_put_empty_slabs(&heaps[0]);
	ck_assert_uint_eq(charge_taken_bytes(), 0);
	ck_assert_uint_eq(heaps[0].empty_units, 0);
	ck_assert_uint_eq(heaps[0].available[class].head, 0);
	ck_assert_uint_eq(heaps[0].available[class].tail, 0);
	for (i = 0; i < count; i++)
		ck_assert_ptr_eq(reservation.bin_of_unit[reservation_unit_of(blocks[i])],
				 &nobody);
}
END_TEST

/* Its first pages are there, and of a class that is used little no others are touched. */
START_TEST(a_class_comes_back_to_the_unit_that_it_had)
{
	void *had[CLASSES_LINEAR];
	unsigned class;

	for (class = 0; class < CLASSES_LINEAR; class++) {
		take(&heaps[0], class, 1);
		had[class] = blocks[0];
	}
	heap_put_blocks(&heaps[0], had, CLASSES_LINEAR);
	heap_put_empty_slabs(&heaps[0]);
	for (class = CLASSES_LINEAR; class-- > 0;) {
		take(&heaps[1], class, 1);
		ck_assert_ptr_eq(blocks[0], had[class]);
	}
}
END_TEST

START_TEST(a_slab_with_a_block_in_use_does_not_go_back)
{
	unsigned class = (unsigned)_i, capacity = size_class_table[class].capacity;

	take(&heaps[0], class, capacity);
	heap_put_blocks(&heaps[0], blocks + 1, capacity - 1);
	heap_put_empty_slabs(&heaps[0]);
	ck_assert_uint_eq(charge_taken_bytes(),
			  size_class_table[class].units * UNIT_SIZE);
	heap_put_blocks(&heaps[0], blocks, 1);
	heap_put_empty_slabs(&heaps[0]);
	ck_assert_uint_eq(charge_taken_bytes(), 0);
}
END_TEST

START_TEST(a_loop_around_the_edge_of_a_slab_stays_in_the_heap)
{
	unsigned class = (unsigned)_i, round;

	take(&heaps[0], class, size_class_table[class].capacity);
	slabs_taken = 0;
	for (round = 0; round < 100; round++) {
		void *block;

		ck_assert_uint_eq(heap_take_blocks(&heaps[0], class, &block, 1), 1);
		heap_put_blocks(&heaps[0], &block, 1);
	}
	ck_assert_uint_eq(slabs_taken, 1);
}
END_TEST

/* Counted by walking every slab's record. */
static void check_account(const unsigned *in_use)
{
	unsigned free_blocks[CLASS_COUNT] = { 0 }, capacity[CLASS_COUNT] = { 0 }, class;
	size_t units = 0, empty_units = 0;
	uint32_t unit;

	for (unit = 0; unit < superslab_count() * SUPERSLAB_UNITS; unit++) {
		const struct slab *slab = slab_unit(unit);

		if (atomic_load(&slab->heap) != &heaps[0] || slab->position)
			continue;
		free_blocks[slab->class_mark - 1] += slab->free_blocks;
		capacity[slab->class_mark - 1] += slab_class(slab)->capacity;
		units += slab_class(slab)->units;
		if (slab->free_blocks == slab_class(slab)->capacity)
			empty_units += slab_class(slab)->units;
		ck_assert_int_eq(slab->listed, slab->free_blocks > 0);
	}
	for (class = 0; class < CLASS_COUNT; class ++)
		ck_assert_uint_eq(free_blocks[class] + in_use[class], capacity[class]);
	ck_assert_uint_eq(units * UNIT_SIZE, charge_taken_bytes());
	ck_assert_uint_eq(empty_units, heaps[0].empty_units);
}

START_TEST(free_and_taken_are_always_the_capacity)
{
	static const unsigned classes[] = {
		0, 3, 40, 55, 70, CLASSES_BY_SIZE - 1, CLASSES_BY_SIZE
	};
	struct unit_random random = unit_random_begin();
	static unsigned class_of[BLOCKS_MAX];
	unsigned in_use[CLASS_COUNT] = { 0 }, held = 0, round;

	for (round = 0; round < 3000; round++) {
		unsigned class = classes[unit_random_between(&random, 0, 6)], count, i;

		/* Waves: mostly taking for a while, then mostly putting. */
		if (unit_random_between(&random, 0, 9) < (round / 500 % 2 ? 3 : 7)) {
			if (held + 64 > 2000)
				continue;
			count = (unsigned)unit_random_between(&random, 1,
							      class < 50 ? 64 : 3);
			count = heap_take_blocks(&heaps[0], class, blocks + held, count);
			ck_assert_uint_ge(count, 1);
			in_use[class] += count;
			for (i = 0; i < count; i++)
				class_of[held++] = class;
		} else {
			for (i = 0; i < 32 && held; i++) {
				size_t which = unit_random_between(&random, 0, held - 1);

				in_use[class_of[which]]--;
				heap_put_blocks(&heaps[0], &blocks[which], 1);
				blocks[which] = blocks[--held];
				class_of[which] = class_of[held];
			}
		}
		check_account(in_use);
	}
}
END_TEST

START_TEST(a_block_straight_from_a_slab_is_zeroed_only_while_untouched)
{
	unsigned class = (unsigned)_i;
	size_t size = size_class_table[class].size;
	bool zeroed = false;
	void *block = heap_take_block(&heaps[0], class, 1, &zeroed);

	ck_assert(zeroed && unit_is_zero(block, size));
	memset(block, 0xee, size);
	heap_put_blocks(&heaps[0], &block, 1);
	blocks[0] = heap_take_block(&heaps[0], class, 1, &zeroed);
	ck_assert_ptr_eq(blocks[0], block);
	ck_assert(!zeroed);
	if (size_class_table[class].capacity > 1) {
		blocks[1] = heap_take_block(&heaps[0], class, 1, &zeroed);
		ck_assert(zeroed && unit_is_zero(blocks[1], size));
		heap_put_blocks(&heaps[0], &blocks[1], 1);
	}
	heap_put_blocks(&heaps[0], &block, 1);
	heap_put_empty_slabs(&heaps[0]);
	block = heap_take_block(&heaps[0], class, 1, &zeroed);
	ck_assert(!zeroed || unit_is_zero(block, size));
}
END_TEST

START_TEST(a_block_that_is_a_whole_slab_can_be_aligned)
{
	unsigned class, alignment;
	bool zeroed;

	for (class = 0; class < CLASS_COUNT; class ++)
		for (alignment = 1; alignment <= SUPERSLAB_UNITS &&
				    size_class_table[class].capacity == 1;
		     alignment *= 2) {
			void *block =
				heap_take_block(&heaps[0], class, alignment, &zeroed);

			ck_assert_ptr_nonnull(block);
			ck_assert_uint_eq((uintptr_t)block % (alignment * UNIT_SIZE), 0);
		}
}
END_TEST

START_TEST(without_memory_nothing_is_taken_and_nothing_is_lost)
{
	bool zeroed;

	no_memory = true;
	ck_assert_uint_eq(heap_take_blocks(&heaps[0], 5, blocks, 10), 0);
	ck_assert_ptr_null(heap_take_block(&heaps[0], 5, 1, &zeroed));
	ck_assert_uint_eq(charge_taken_bytes(), 0);
	no_memory = false;
	take(&heaps[0], 5, 100);
}
END_TEST

START_TEST(an_abandoned_heap_is_adopted_whole)
{
	unsigned class = 20, count = 10 * size_class_table[class].capacity;

	ck_assert_ptr_null(heap_adopt(0));
	take(&heaps[2], class, count);
	heap_abandon(&heaps[2]);
	ck_assert_ptr_eq(heap_adopt(0), &heaps[2]);
	ck_assert_ptr_null(heap_adopt(0));
	heap_put_blocks(&heaps[2], blocks, count);
	heap_put_empty_slabs(&heaps[2]);
	ck_assert_uint_eq(charge_taken_bytes(), 0);
}
END_TEST

START_TEST(a_heap_in_which_somebody_works_is_adopted_by_nobody)
{
	unsigned i;

	for (i = 0; i < 4; i++)
		heap_abandon(&heaps[i]);
	/* In the middle, at the front and at the end of those that wait. */
	ck_assert(heap_visit(&heaps[1]));
	ck_assert(heap_visit(&heaps[3]));
	ck_assert(heap_seize(&heaps[0]));
	ck_assert(!heap_visit(&heaps[0]));
	ck_assert(!heap_seize(&heaps[0]));
	ck_assert_ptr_eq(heap_adopt(0), &heaps[2]);
	ck_assert_ptr_null(heap_adopt(0));
	ck_assert(!heap_visit(&heaps[5]));
	for (i = 0; i < 4; i++)
		heap_give_back(&heaps[i]);
	for (i = 0; i < 3; i++)
		ck_assert_ptr_nonnull(heap_adopt(0));
	ck_assert_ptr_null(heap_adopt(0));
}
END_TEST

START_TEST(a_seized_heap_is_resumed_by_its_thread_when_it_was_given_back)
{
	ck_assert(heap_seize(&heaps[0]));
	ck_assert(!heap_resume(&heaps[0]));
	heap_give_back(&heaps[0]);
	ck_assert(!heap_is_owned(&heaps[0]));
	ck_assert(heap_seize(&heaps[0]));
	heap_abandon(&heaps[0]);
	ck_assert_ptr_null(heap_adopt(0));
	heap_give_back(&heaps[0]);
	ck_assert_ptr_eq(heap_adopt(0), &heaps[0]);
	ck_assert(heap_is_owned(&heaps[0]));
}
END_TEST

static unsigned visited;

static void visit(struct heap *heap)
{
	visited |= 1u << heap->number;
}

static void visit_any(struct heap *heap, void *argument)
{
	*(unsigned *)argument |= 1u << heap->number;
}

START_TEST(idle_heaps_are_visited_and_stay_idle)
{
	unsigned all = 0;

	heap_abandon(&heaps[1]);
	heap_abandon(&heaps[4]);
	heap_visit_idle(visit);
	ck_assert_uint_eq(visited, 1u << 1 | 1u << 4);
	heap_visit_all(visit_any, &all);
	ck_assert_uint_eq(all, (1u << HEAPS) - 1);
	ck_assert_ptr_eq(heap_adopt(0), &heaps[4]);
	ck_assert_ptr_eq(heap_adopt(0), &heaps[1]);
}
END_TEST

START_TEST(the_places_of_aligned_units_are_not_kept)
{
	bool zeroed;
	void *block = heap_take_block(&heaps[0], CLASS_ALIGNED_UNIT, SUPERSLAB_UNITS, &zeroed);

	heap_put_blocks(&heaps[0], &block, 1);
	ck_assert_uint_eq(charge_taken_bytes(), 0);
}
END_TEST

START_TEST(a_fork_freezes_the_heaps_of_the_other_threads)
{
	unsigned i;

	heap_abandon(&heaps[3]);
	heap_frozen_all_but(&heaps[0], visit);
	for (i = 0; i < HEAPS; i++)
		ck_assert_int_eq(heap_is_frozen(&heaps[i]), i != 0 && i != 3);
	ck_assert_uint_eq(visited, ((1u << HEAPS) - 1) & ~(1u << 0 | 1u << 3));
}
END_TEST

/* _i: class. A block less than all leaves the slab where it is; nothing else counts. */
START_TEST(a_frozen_slab_goes_back_when_frees_alone_fill_it)
{
	unsigned class = (unsigned)_i, capacity = size_class_table[class].capacity, i;
	size_t slab_bytes = size_class_table[class].units * UNIT_SIZE;

	take(&heaps[1], class, 2 * capacity);
	/* In the second slab a block is free before the fork: that slab never goes back. */
	heap_put_blocks(&heaps[1], &blocks[2 * capacity - 1], 1);
	heap_frozen_all_but(&heaps[0], visit);
	for (i = 0; i < 2 * capacity - 1; i++) {
		uint32_t unit = reservation_unit_of(blocks[i]);
		bool filled = i >= capacity - 1;

		heap_frozen_put(blocks[i]);
		ck_assert_uint_eq(charge_taken_bytes(),
				  (filled ? 1 : 2) * slab_bytes);
		if (i == capacity - 1)
			ck_assert_ptr_eq(reservation.bin_of_unit[unit], &nobody);
	}
}
END_TEST

static void put_frozen(void *block)
{
	heap_frozen_put(block);
}

START_TEST(a_double_free_in_a_frozen_heap_aborts)
{
	take(&heaps[1], 10, 2);
	heap_frozen_all_but(&heaps[0], visit);
	heap_frozen_put(blocks[0]);
	unit_expect_abort(put_frozen, blocks[0], "double free of %p (size class %u)",
			  blocks[0], size_class_table[10].size);
	ck_assert_uint_eq(slab_of(blocks[0]), slab_of(blocks[1]));
}
END_TEST

int main(void)
{
	TCase *tcase = unit_begin_between("heap");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_loop_test(tcase, blocks_of_a_class_are_distinct_and_know_their_bin, 0,
			    CLASS_COUNT);
	tcase_add_loop_test(tcase, empty_slabs_go_back_but_for_a_few, 0, CLASS_COUNT);
	tcase_add_test(tcase, a_class_comes_back_to_the_unit_that_it_had);
	tcase_add_loop_test(tcase, a_slab_with_a_block_in_use_does_not_go_back, 0,
			    CLASS_COUNT);
	tcase_add_loop_test(tcase, a_loop_around_the_edge_of_a_slab_stays_in_the_heap, 0,
			    CLASS_ALIGNED_UNIT);
	tcase_add_test(tcase, the_places_of_aligned_units_are_not_kept);
	tcase_add_test(tcase, free_and_taken_are_always_the_capacity);
	tcase_add_loop_test(tcase,
			    a_block_straight_from_a_slab_is_zeroed_only_while_untouched,
			    0, CLASS_COUNT);
	tcase_add_test(tcase, a_block_that_is_a_whole_slab_can_be_aligned);
	tcase_add_test(tcase, without_memory_nothing_is_taken_and_nothing_is_lost);
	tcase_add_test(tcase, an_abandoned_heap_is_adopted_whole);
	tcase_add_test(tcase, a_heap_in_which_somebody_works_is_adopted_by_nobody);
	tcase_add_test(tcase, a_seized_heap_is_resumed_by_its_thread_when_it_was_given_back);
	tcase_add_test(tcase, idle_heaps_are_visited_and_stay_idle);
	tcase_add_test(tcase, a_fork_freezes_the_heaps_of_the_other_threads);
	tcase_add_loop_test(tcase, a_frozen_slab_goes_back_when_frees_alone_fill_it, 0,
			    CLASS_ALIGNED_UNIT);
	tcase_add_test(tcase, a_double_free_in_a_frozen_heap_aborts);
	return unit_end();
}
