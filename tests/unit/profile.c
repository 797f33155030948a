/* SPDX-License-Identifier: MIT */
/*
 * profile.c - does a profile say which call stacks allocated how much, and hold how much, whatever
 * the program does meanwhile; and is nothing left of it when it ends?
 */
#include <config.h>

#include "profile/profile.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hakmem/hakmem.h>

#include "control/usage.h"
#include "front/thread_cache.h"
#include "profile/call_stack.h"
#include "profile/sample_table.h"
#include "profile/sampling.h"
#include "profile/stack_table.h"
#include "support/options.h"
#include "upkeep/profiling.h"

#include "tests/unit/unit.h"

#define STACKS		20
#define TOLERANCE	0.05
#define INTERVAL	((size_t)4096)
#define BLOCKS_MOST	4000000u

static void begin(size_t interval_bytes)
{
	options.profile_bytes = interval_bytes;
	ck_assert_ptr_null(profiling_follow());
}

static void end(void)
{
	options.profile_bytes = SIZE_MAX;
	ck_assert_ptr_null(profiling_follow());
}

/* So that whoever fails fails again. */
static void seed(uint64_t number)
{
	hak_free(hak_malloc(1));
	thread_cache_tls.cache->counted.sampling.random = number;
}

static void *(*volatile allocate)(size_t bytes) = hak_malloc;

/* A stack is told by how deep it is: so many frames are of this function. */
static void *__attribute__((noinline)) plant(unsigned depth, size_t bytes)
{
	void *block = depth ? plant(depth - 1, bytes) : allocate(bytes);

	__asm__ volatile("" : "+r"(block));	/* not the last call */
	return block;
}

static unsigned depth_of(const uint64_t *frames, unsigned count)
{
	uint64_t start = (uintptr_t)plant;
	unsigned i, depth = 0;

	for (i = 0; i < count; i++)
		depth += frames[i] - start < 128;
	return depth - 1;
}

struct sums {
	double allocated[STACKS], allocated_objects[STACKS], live[STACKS], live_objects[STACKS];
};

static void read_sums(struct sums *sums)
{
	struct sample_copy sample;
	const uint64_t *frames;
	uint32_t i;

	memset(sums, 0, sizeof(*sums));
	for (i = 1; i < stack_table_stacks(); i++) {
		const struct call_stack_record *stack = stack_table_read(i, &frames);
		unsigned depth = depth_of(frames, stack->depth);

		if (depth >= STACKS)
			continue;
		sums->allocated[depth] += (double)stack->bytes;
		sums->allocated_objects[depth] += (double)stack->objects / SAMPLING_UNIT;
	}
	for (i = 0; i < sample_table_places(); i++) {
		const struct call_stack_record *stack;
		unsigned depth;

		if (!sample_table_read(i, &sample))
			continue;
		stack = stack_table_read(sample.stack, &frames);
		depth = depth_of(frames, stack->depth);
		if (depth >= STACKS)
			continue;
		sums->live_objects[depth] += (double)sample.objects / SAMPLING_UNIT;
		sums->live[depth] +=
			(double)sample.objects / SAMPLING_UNIT * (double)sample.asked_bytes;
	}
}

static void expect_near(const char *what, unsigned stack, double is, double truth)
{
	ck_assert_msg(is >= truth * (1 - TOLERANCE) && is <= truth * (1 + TOLERANCE),
		      "%s of stack %u: %.0f, truth %.0f", what, stack, is, truth);
}

static void **blocks;
static size_t block_count;
static struct sums truth;

static size_t size_of_stack(unsigned stack)
{
	static const size_t sizes[STACKS] = { 24,   40,	  100,	 200,	333,  48,     512,
					      700,  1000, 1500,	 2000,	3000, 4096,   5000,
					      7000, 9000, 20000, 70000, 150,  2000000 };

	return sizes[stack];
}

/* As if by turns: much of it is freed at once, some later, some never. */
static void plant_all(size_t bytes_of_each)
{
	size_t left[STACKS];
	unsigned stack, planted;

	for (stack = 0; stack < STACKS; stack++)
		left[stack] = bytes_of_each / size_of_stack(stack) + 1;
	do {
		planted = 0;
		for (stack = 0; stack < STACKS; stack++) {
			size_t size = size_of_stack(stack);
			void *block;

			if (!left[stack])
				continue;
			planted++;
			block = plant(stack, size);
			truth.allocated[stack] += (double)size;
			truth.allocated_objects[stack]++;
			if (left[stack]-- % 3 == 0) {
				hak_free(block);
				continue;
			}
			blocks[block_count++] = block;
			truth.live[stack] += (double)size;
			truth.live_objects[stack]++;
		}
	} while (planted);
}

static void free_all(void)
{
	while (block_count)
		hak_free(blocks[--block_count]);
}

static void set_up(void)
{
	blocks = calloc(BLOCKS_MOST, sizeof(*blocks));
}

START_TEST(tells_who_allocated_and_who_holds)
{
	struct sums sums;
	unsigned i;

	seed(20260101);
	begin(INTERVAL);
	plant_all(30 << 20);
	read_sums(&sums);
	ck_assert_uint_eq(sample_table_dropped(), 0);
	for (i = 0; i < STACKS; i++) {
		expect_near("allocated bytes", i, sums.allocated[i], truth.allocated[i]);
		expect_near("allocated objects", i, sums.allocated_objects[i],
			    truth.allocated_objects[i]);
		expect_near("live bytes", i, sums.live[i], truth.live[i]);
		expect_near("live objects", i, sums.live_objects[i], truth.live_objects[i]);
	}
	free_all();
	read_sums(&sums);
	for (i = 0; i < STACKS; i++)
		ck_assert_double_eq(sums.live[i], 0);
}
END_TEST

/* What comes out of a bin again and again is allocated as well. */
START_TEST(sees_blocks_that_only_go_round)
{
	double bytes = 0;
	struct sums sums;
	unsigned i;

	seed(7);
	begin(INTERVAL);
	for (i = 0; i < 2000000; i++) {
		hak_free(plant(3, 40));
		bytes += 40;
	}
	read_sums(&sums);
	expect_near("allocated bytes", 3, sums.allocated[3], bytes);
	ck_assert_double_eq(sums.live[3], 0);
}
END_TEST

static size_t live_bytes(void)
{
	struct usage_class classes[CLASS_COUNT];
	size_t bytes = 0;
	unsigned class;

	usage_read_classes(classes);
	for (class = 0; class < CLASS_COUNT; class++)
		bytes += classes[class].live * size_class_table[class].size;
	return bytes;
}

START_TEST(leaves_nothing_behind)
{
	size_t before;

	seed(11);
	before = live_bytes();
	begin(INTERVAL);
	plant_all(4 << 20);
	end();
	plant_all(4 << 20);
	free_all();
	ck_assert_uint_eq(live_bytes(), before);
	ck_assert(!counted_is_on(&thread_cache_tls.cache->counted));
}
END_TEST

/*
 * A block is the same whichever function made it; what it holds when it is large and grows is told.
 */
START_TEST(knows_every_function)
{
	struct sample_copy sample;
	uint64_t bytes = 0;
	void *all[8];
	uint32_t i;

	seed(13);
	begin(1);	/* each allocation */
	all[0] = hak_calloc(10, 10);
	all[1] = hak_calloc(1, 50000);
	all[2] = hak_realloc(hak_malloc(3000000), 9000000);
	all[3] = hak_realloc(hak_malloc(100), 5000);
	all[4] = hak_aligned_alloc(64, 640);
	all[5] = hak_aligned_alloc(65536 * 4, 100000);
	ck_assert_int_eq(hak_posix_memalign(&all[6], 4096, 4096), 0);
	all[7] = hak_realloc(hak_malloc(40 << 20), 90 << 20);
	ck_assert_uint_eq((uintptr_t)all[4] % 64, 0);
	ck_assert_uint_eq((uintptr_t)all[5] % (65536 * 4), 0);
	ck_assert_uint_eq((uintptr_t)all[6] % 4096, 0);
	for (i = 0; i < 100; i++)
		ck_assert_int_eq(((char *)all[0])[i], 0);
	for (i = 0; i < 50000; i++)
		ck_assert_int_eq(((char *)all[1])[i], 0);
	for (i = 0; i < sample_table_places(); i++)
		if (sample_table_read(i, &sample))
			bytes += sample.asked_bytes * sample.objects / SAMPLING_UNIT;
	ck_assert_uint_eq(bytes, 100 + 50000 + 9000000 + 5000 + 640 + 100000 + 4096 + (90 << 20));
	for (i = 0; i < 8; i++)
		hak_free(all[i]);
	for (i = 0; i < sample_table_places(); i++)
		ck_assert(!sample_table_read(i, &sample));
}
END_TEST

static _Atomic bool is_over;
static _Atomic size_t rounds;

static void churn(unsigned number)
{
	void *held[64] = { NULL };
	struct unit_random random = { number + 1 };
	unsigned i;

	if (number == 0) {
		for (i = 0; i < 1000; i++) {
			begin(i % 2 ? INTERVAL : PROFILE_INTERVAL);
			end();
		}
		atomic_store(&is_over, true);
		return;
	}
	while (!atomic_load(&is_over)) {
		i = (unsigned)(random.state = random.state * 6364136223846793005ull + 1) >> 26 & 63;
		hak_free(held[i]);
		held[i] = hak_malloc((random.state >> 40) % 3000);
		memset(held[i], 1, 1);
		atomic_fetch_add_explicit(&rounds, 1, memory_order_relaxed);
	}
	for (i = 0; i < 64; i++)
		hak_free(held[i]);
}

START_TEST(begins_and_ends_a_thousand_times_under_load)
{
	struct sample_copy sample;
	uint32_t i;

	/* The heap is there before threads free. */
	hak_free(hak_malloc(1));
	unit_threads(4, churn);
	ck_assert_uint_gt(atomic_load(&rounds), 1000);
	for (i = 0; i < sample_table_places(); i++)
		ck_assert(!sample_table_read(i, &sample));
}
END_TEST

static void live_on(void *argument)
{
	struct sums sums;

	(void)argument;
	free_all();
	memset(&truth, 0, sizeof(truth));
	plant_all(2 << 20);
	read_sums(&sums);
	ck_assert_double_gt(sums.live[0], 0);
	end();
	free_all();
}

START_TEST(goes_on_in_a_child)
{
	char text[UNIT_TEXT_BYTES];

	seed(17);
	begin(INTERVAL);
	plant_all(2 << 20);
	ck_assert_int_eq(unit_child(live_on, NULL, text), 0);
	ck_assert_str_eq(text, "");
	free_all();
}
END_TEST

START_TEST(holds_a_million_stacks_in_what_it_has)
{
	uint64_t frames[8] = { 0 };
	uint32_t i;

	ck_assert(stack_table_begin());
	for (i = 0; i < 1000000; i++) {
		frames[i % 8] = i * 16ull + 1;
		stack_table_count(stack_table_find(frames, 8), SAMPLING_UNIT, 1);
	}
	ck_assert_uint_le(stack_table_stacks(), STACK_TABLE_STACKS);
	ck_assert_uint_ge(stack_table_dropped(), 1000000 - STACK_TABLE_STACKS);
	ck_assert_uint_eq(stack_table_read(0, &(const uint64_t *){ NULL })->bytes,
			  stack_table_dropped());
}
END_TEST

/* Half built, or of a thread whose stack ends nowhere: what is read is asked for first. */
START_TEST(ends_where_a_stack_makes_no_sense)
{
	uint64_t frames[STACK_DEPTH_MOST];

	call_stack_begin();
	ck_assert_uint_ge(call_stack_read(frames, STACK_DEPTH_MOST), 1);
	ck_assert_uint_eq(call_stack_read(frames, 1), 1);
}
END_TEST

int main(void)
{
	TCase *tests = unit_begin("profile");

	tcase_add_checked_fixture(tests, set_up, NULL);
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, tells_who_allocated_and_who_holds);
	tcase_add_test(tests, sees_blocks_that_only_go_round);
	tcase_add_test(tests, leaves_nothing_behind);
	tcase_add_test(tests, knows_every_function);
	tcase_add_test(tests, begins_and_ends_a_thousand_times_under_load);
	tcase_add_test(tests, goes_on_in_a_child);
	tcase_add_test(tests, holds_a_million_stacks_in_what_it_has);
	tcase_add_test(tests, ends_where_a_stack_makes_no_sense);
	return unit_end();
}
