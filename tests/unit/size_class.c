/* SPDX-License-Identifier: MIT */
/*
 * size_class.c - are the sizes of blocks those that size_class.h tells of? The rule is
 * computed anew here, by adding steps, and compared for every size.
 */
#include <config.h>

#include "support/size_class.h"

#include "tests/unit/unit.h"

static size_t requests[CLASS_COUNT + 1];
static unsigned request_count;

/* 16 B steps to 256 B, then 8 classes a doubling to 8 KiB, then 4 to 1 MiB. */
static void set_up(void)
{
	size_t size = 0, doubling = 256;

	size_class_init();
	request_count = 0;
	while (size < 1 * MiB) {
		if (size < 256) {
			size += 16;
		} else {
			if (size == 2 * doubling)
				doubling = size;
			size += doubling / (size < 8 * KiB ? 8 : 4);
		}
		requests[request_count++] = size;
	}
}

START_TEST(every_size_gets_the_smallest_class_that_is_for_it)
{
	unsigned class = 0;
	size_t size;

	ck_assert_uint_eq(request_count, CLASSES_BY_SIZE);
	ck_assert_uint_eq(requests[request_count - 1], CLASS_SIZE_MAX);
	for (size = 0; size <= CLASS_SIZE_MAX; size++) {
		while (requests[class] < size)
			class ++;
		if (size_class_of(size) != class)
			ck_abort_msg("%zu bytes: class %u, not %u", size,
				     size_class_of(size), class);
	}
}
END_TEST

START_TEST(blocks_hold_what_their_class_is_for)
{
	size_t request = requests[_i], size = size_class_table[_i].size;
	bool coloured = request == 4 * KiB || request == 8 * KiB || request == 16 * KiB ||
			request == 32 * KiB;

	ck_assert_uint_eq(size, request + (coloured ? 64 : 0));
	ck_assert_uint_eq(size % BLOCK_ALIGNMENT, 0);
}
END_TEST

START_TEST(little_is_lost_to_rounding_up)
{
	size_t size;

	for (size = 257; size <= CLASS_SIZE_MAX; size++) {
		size_t got = size_class_table[size_class_of(size)].size;
		size_t lost = got - size - (got % KiB == 64 ? 64 : 0);
		size_t fraction = size <= 8 * KiB ? 8 : 4;

		if (got < size || lost * fraction > size)
			ck_abort_msg("%zu bytes get a block of %zu", size, got);
	}
}
END_TEST

START_TEST(aligned_classes_are_powers_of_two)
{
	unsigned i;

	for (i = 0; i < CLASSES_ALIGNED; i++)
		ck_assert_uint_eq(size_class_table[CLASSES_BY_SIZE + i].size,
				  4 * KiB << i);
}
END_TEST

START_TEST(a_class_halfway_serves_what_fits_it)
{
	size_t size, served;
	unsigned class;

	for (size = 0; size <= CLASS_SIZE_MAX; size++) {
		class = size_class_between(size);
		served = class == CLASS_NONE ? 0 : size_class_table[class].size;
		if (served ? size > served || size <= served - 32 :
			     size > 512 && size <= 1 * KiB && (size - 1) % 64 < 32)
			ck_abort_msg("%zu bytes: halfway is %zu", size, served);
	}
	ck_assert_uint_eq(size_class_between(512), CLASS_NONE);
	ck_assert_uint_eq(size_class_between(1025), CLASS_NONE);
}
END_TEST

/* Every byte of every block, and the bytes behind the last. */
START_TEST(the_index_of_a_block_is_exact)
{
	const struct size_class *class = &size_class_table[_i];
	size_t offset, bytes = class->units * UNIT_SIZE, left = class->size;
	unsigned index = 0;

	for (offset = 0; offset < bytes; offset++) {
		unsigned found = size_class_block_index(class, offset);

		if (index < class->capacity ? found != index : found < class->capacity)
			ck_abort_msg("size %u, offset %zu: %u, not %u", class->size,
				     offset, found, index);
		if (--left == 0) {
			index++;
			left = class->size;
		}
	}
}
END_TEST

START_TEST(a_slab_wastes_at_most_a_32nd)
{
	const struct size_class *class = &size_class_table[_i];
	size_t bytes = class->units * UNIT_SIZE,
	       used = (size_t) class->capacity * class->size;

	ck_assert_uint_ge(class->units, 1);
	ck_assert_uint_le(class->units, 16);
	ck_assert_uint_ge(class->capacity, 1);
	ck_assert_uint_le(class->capacity, SLAB_BLOCKS_MAX);
	ck_assert_uint_le(used, bytes);
	ck_assert_uint_lt(bytes - used, class->size);
	ck_assert_uint_le((bytes - used) * 32, bytes);
	if (class->size < UNIT_SIZE)
		ck_assert_uint_ge(class->capacity, 8);
	else
		ck_assert_uint_eq(used, bytes);
}
END_TEST

static size_t smallest_aligned(size_t size, size_t alignment)
{
	size_t best = SIZE_MAX;
	unsigned class;

	for (class = 0; class < CLASS_BETWEEN_FIRST; class ++) {
		size_t candidate = size_class_table[class].size;
		size_t request = class < CLASSES_BY_SIZE ? requests[class] : candidate;

		if (request >= size && candidate % alignment == 0 && candidate < best)
			best = candidate;
	}
	return best;
}

static void check_aligned(size_t size, size_t alignment)
{
	unsigned class = size_class_of_aligned(size, alignment);
	size_t expected = smallest_aligned(size, alignment);

	if (class == CLASS_NONE ?
		    expected != SIZE_MAX :
		    class >= CLASS_COUNT || size_class_table[class].size != expected)
		ck_abort_msg("%zu bytes aligned to %zu: class %u, not of %zu", size,
			     alignment, class, expected);
}

START_TEST(an_alignment_gets_the_smallest_class_that_it_divides)
{
	size_t alignment = (size_t)1 << _i, size;
	unsigned class;

	for (size = 1; size <= CLASS_SIZE_MAX + 16; size += 61)
		check_aligned(size, alignment);
	for (class = 0; class < CLASS_COUNT; class ++)
		for (size = size_class_table[class].size - 1;
		     size <= size_class_table[class].size + 1; size++)
			check_aligned(size, alignment);
}
END_TEST

START_TEST(more_than_the_largest_class_has_none)
{
	ck_assert_uint_eq(size_class_of_aligned(CLASS_SIZE_MAX + 1, 16), CLASS_NONE);
	ck_assert_uint_eq(size_class_of_aligned(SIZE_MAX, 16), CLASS_NONE);
	ck_assert_uint_eq(size_class_of_aligned(CLASS_SIZE_MAX, UNIT_SIZE),
			  size_class_of(CLASS_SIZE_MAX));
}
END_TEST

int main(void)
{
	TCase *tcase = unit_begin("size_class");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, every_size_gets_the_smallest_class_that_is_for_it);
	tcase_add_loop_test(tcase, blocks_hold_what_their_class_is_for, 0,
			    CLASSES_BY_SIZE);
	tcase_add_test(tcase, little_is_lost_to_rounding_up);
	tcase_add_test(tcase, aligned_classes_are_powers_of_two);
	tcase_add_test(tcase, a_class_halfway_serves_what_fits_it);
	tcase_add_loop_test(tcase, the_index_of_a_block_is_exact, 0, CLASS_COUNT);
	tcase_add_loop_test(tcase, a_slab_wastes_at_most_a_32nd, 0, CLASS_COUNT);
	tcase_add_loop_test(tcase, an_alignment_gets_the_smallest_class_that_it_divides,
			    0, UNIT_SHIFT + 1);
	tcase_add_test(tcase, more_than_the_largest_class_has_none);
	return unit_end();
}
