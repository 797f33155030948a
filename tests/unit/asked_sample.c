/* SPDX-License-Identifier: MIT */
/*
 * asked_sample.c - is what is said to have been asked for near what was, whatever order the
 * sizes come and go in, does each class's sum add up, and is it used to choose a class?
 */
#include <config.h>

#include <hakmem/hakmem.h>

#include "control/usage.h"

#include "tests/unit/unit.h"

#define BLOCKS	  200000
#define TOLERANCE 2 /* percent, of the rounding's whole range of 12.5 */

static struct {
	void *block;
	size_t size;
} held[BLOCKS];

static uint64_t asked_now(uint64_t *samples)
{
	struct usage_class classes[CLASS_COUNT];
	uint64_t asked = 0;
	unsigned class;

	usage_read_classes(classes);
	*samples = 0;
	for (class = 0; class < CLASS_COUNT; class++) {
		const struct usage_class *of = &classes[class];

		ck_assert_uint_eq(of->slabs * size_class_table[class].capacity,
				  of->live + of->cached + of->in_transit + of->free);
		ck_assert_uint_le(of->untouched, of->free);
		asked += usage_asked(class, of);
		*samples += of->samples;
	}
	return asked;
}

static void take(unsigned i, size_t size)
{
	held[i].block = hak_malloc(size);
	held[i].size = size;
	ck_assert_ptr_nonnull(held[i].block);
}

static void give(unsigned i)
{
	hak_free(held[i].block);
	held[i].block = NULL;
	held[i].size = 0;
}

static void expect_near(void)
{
	uint64_t truth = 0, samples, found = asked_now(&samples);
	unsigned i;

	for (i = 0; i < BLOCKS; i++)
		truth += held[i].size;
	ck_assert_uint_gt(samples, 50);
	ck_assert_msg(found * 100 >= truth * (100 - TOLERANCE) &&
			      found * 100 <= truth * (100 + TOLERANCE),
		      "%llu asked for, %llu estimated from %llu samples", (unsigned long long)truth,
		      (unsigned long long)found, (unsigned long long)samples);
}

START_TEST(one_size_is_known_exactly)
{
	uint64_t samples;
	unsigned i;

	for (i = 0; i < 20000; i++)
		take(i, 1800);
	ck_assert_uint_eq(asked_now(&samples), (uint64_t)20000 * 1800);
}
END_TEST

/* The two ends of a class, in turns of every length near the length of a refill. */
START_TEST(sizes_that_come_in_turns_are_met_at_every_phase)
{
	unsigned i, turn = 1u << _i;

	for (i = 0; i < BLOCKS; i++)
		take(i, i / turn % 2 ? 1024 : 900);
	expect_near();
}
END_TEST

START_TEST(random_sizes_are_estimated)
{
	struct unit_random random = unit_random_begin();
	unsigned i;

	for (i = 0; i < BLOCKS; i++)
		take(i, unit_random_between(&random, 1, 2000));
	expect_near();
}
END_TEST

/* What is freed goes with what it was asked for with, though large and small lie mixed. */
START_TEST(what_is_freed_is_no_longer_counted)
{
	struct unit_random random = unit_random_begin();
	unsigned i;

	for (i = 0; i < BLOCKS; i++)
		take(i, unit_random_between(&random, 0, 1) ? 1024 : 900);
	for (i = 0; i < BLOCKS; i++)
		if (held[i].size == 900)
			give(i);
	expect_near();
	for (i = 0; i < BLOCKS; i++)
		if (!held[i].block)
			take(i, 960);
	expect_near();
}
END_TEST

/* How large the last of so many blocks is, of sizes from least to most in turn. */
static size_t last_of(unsigned count, size_t least, size_t most)
{
	size_t size = least, usable;
	unsigned i;

	for (i = 0; i < count; i++) {
		take(i, size);
		size = size < most ? size + 1 : least;
	}
	usable = hak_malloc_usable_size(held[count - 1].block);
	while (i > 0)
		give(--i);
	return usable;
}

START_TEST(many_blocks_of_a_size_get_a_class_that_is_hardly_larger)
{
	ck_assert_uint_eq(last_of(100, 518, 518), 576);
	ck_assert_uint_eq(last_of(20000, 518, 518), 544);
	/* So do few, once there were many. */
	ck_assert_uint_eq(last_of(1, 518, 518), 544);
	ck_assert_uint_eq(last_of(1, 545, 545), 576);
}
END_TEST

START_TEST(many_blocks_of_mixed_sizes_share_a_class)
{
	/* The last of them is the first size again. */
	ck_assert_uint_eq(last_of(64 * 300 + 1, 577, 640), 640);
}
END_TEST

int main(void)
{
	TCase *tcase = unit_begin("asked_sample");

	tcase_add_test(tcase, one_size_is_known_exactly);
	tcase_add_loop_test(tcase, sizes_that_come_in_turns_are_met_at_every_phase, 0, 9);
	tcase_add_test(tcase, random_sizes_are_estimated);
	tcase_add_test(tcase, what_is_freed_is_no_longer_counted);
	tcase_add_test(tcase, many_blocks_of_a_size_get_a_class_that_is_hardly_larger);
	tcase_add_test(tcase, many_blocks_of_mixed_sizes_share_a_class);
	return unit_end();
}
