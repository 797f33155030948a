/* SPDX-License-Identifier: MIT */
/*
 * Blocks that outlive their thread, blocks that are freed by another thread, and threads
 * by the thousand: contents stay, and the memory comes back to be used again.
 */
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"

struct parcel {
	char *block;
	size_t size;
	uint64_t tag;
};

static struct parcel parcel_pack(uint64_t *random, size_t largest)
{
	struct parcel parcel;

	parcel.size = random_size(random, largest);
	parcel.tag = random_next(random);
	parcel.block = malloc(parcel.size);
	CHECK_THAT(parcel.block != NULL, "no block of %zu bytes", parcel.size);
	pattern_write(parcel.block, parcel.size, parcel.tag);
	return parcel;
}

static void parcel_check(const struct parcel *parcel)
{
	CHECK_THAT(pattern_holds(parcel->block, parcel->size, parcel->tag),
		   "the block at %p, %zu bytes, has other contents", parcel->block,
		   parcel->size);
}

static void parcel_discard(struct parcel *parcel)
{
	parcel_check(parcel);
	free(parcel->block);
}

static pthread_t start(void *(*function)(void *), void *data)
{
	pthread_t thread;

	start_thread(&thread, NULL, function, data);
	return thread;
}

/* --- the heirs: a thread ends, others use and free what it left --- */

enum { LEGACY = 3000 };

struct legacy {
	struct parcel parcels[LEGACY];
	uint64_t seed;
};

static void *leave_blocks(void *data)
{
	struct legacy *legacy = data;

	for (size_t i = 0; i < LEGACY; i++)
		legacy->parcels[i] = parcel_pack(&legacy->seed, i % 100 ? 9000 : 300000);
	return NULL;
}

static void *free_second_half(void *data)
{
	struct legacy *legacy = data;

	for (size_t i = LEGACY / 2; i < LEGACY; i++)
		parcel_discard(&legacy->parcels[i]);
	return NULL;
}

static void resize_parcel(struct parcel *parcel, size_t size)
{
	size_t kept = size < parcel->size ? size : parcel->size;

	parcel->block = realloc(parcel->block, size);
	CHECK(parcel->block && pattern_holds(parcel->block, kept, parcel->tag));
	parcel->size = size;
	pattern_write(parcel->block, size, parcel->tag);
}

static void blocks_of_an_ended_thread_are_used_and_freed_by_others(void)
{
	static struct legacy legacies[4];
	size_t before = 0;

	for (size_t round = 0; round < 40; round++) {
		struct legacy *legacy = &legacies[round % 4];

		legacy->seed = round;
		pthread_join(start(leave_blocks, legacy), NULL);
		for (size_t i = 0; i < LEGACY / 2; i += 3)
			resize_parcel(&legacy->parcels[i],
				      legacy->parcels[i].size * 2 + 1);
		pthread_join(start(free_second_half, legacy), NULL);
		for (size_t i = 0; i < LEGACY / 2; i++)
			parcel_discard(&legacy->parcels[i]);
		if (round == 9)
			before = resident_bytes();
	}
	CHECK_THAT(resident_bytes() < before + before / 4 + 8 * MIB,
		   "%zu KiB after 10 rounds, %zu KiB after 40: not used again",
		   before / KIB, resident_bytes() / KIB);
}

/* --- ten thousand threads --- */

enum { AT_ONCE = 8, SHORT_LIVES = 10000, BLOCKS_OF_A_LIFE = 64 };

struct life {
	uint64_t seed;
	struct parcel left[4];
};

static void *live_shortly(void *data)
{
	struct life *life = data;
	struct parcel parcels[BLOCKS_OF_A_LIFE];

	for (size_t i = 0; i < BLOCKS_OF_A_LIFE; i++)
		parcels[i] = parcel_pack(&life->seed, 9000);
	for (size_t i = 4; i < BLOCKS_OF_A_LIFE; i++)
		parcel_discard(&parcels[i]);
	for (size_t i = 0; i < 4; i++)
		life->left[i] = parcels[i];
	return NULL;
}

static void lives_in_parallel(size_t lives, uint64_t seed)
{
	static struct life parallel[AT_ONCE];
	pthread_t threads[AT_ONCE];

	for (size_t done = 0; done < lives; done += AT_ONCE) {
		for (size_t i = 0; i < AT_ONCE; i++) {
			parallel[i].seed = seed + done + i;
			threads[i] = start(live_shortly, &parallel[i]);
		}
		for (size_t i = 0; i < AT_ONCE; i++)
			CHECK(!pthread_join(threads[i], NULL));
		for (size_t i = 0; i < AT_ONCE; i++)
			for (size_t j = 0; j < 4; j++)
				parcel_discard(&parallel[i].left[j]);
	}
}

/*
 * What every thread loses is lost in every stretch of 1666 threads; what the heap needs
 * now and then, as the scheduler will have it, is not.
 */
static void expect_level(void (*stretch)(size_t number), size_t most_growth)
{
	size_t least_growth = SIZE_MAX;

	stretch(0);
	for (size_t i = 1; i <= 5; i++) {
		size_t before = resident_bytes(), after;

		stretch(i);
		after = resident_bytes();
		if (after < before || after - before < least_growth)
			least_growth = after > before ? after - before : 0;
	}
	CHECK_THAT(least_growth < most_growth, "each stretch takes %zu KiB or more",
		   least_growth / KIB);
}

static void live_in_parallel(size_t number)
{
	lives_in_parallel(SHORT_LIVES / 6, number * SHORT_LIVES);
}

static void the_resident_size_of_ten_thousand_short_lived_threads_levels_off(void)
{
	/* a heap that is in use by eight at once finds its size slowly */
	expect_level(live_in_parallel, 1536 * KIB);
}

static void *allocate_nothing(void *unused)
{
	(void)unused;
	return NULL;
}

static void *free_only(void *block)
{
	free(block);
	return NULL;
}

static void start_idle_threads(size_t number)
{
	for (size_t i = 0; i < SHORT_LIVES / 12; i++) {
		pthread_join(start(allocate_nothing, NULL), NULL);
		pthread_join(start(free_only, malloc((i + number) % 5000)), NULL);
	}
}

static void threads_that_free_only_or_do_nothing_cost_nothing(void)
{
	expect_level(start_idle_threads, 256 * KIB);
}

/* --- producers and consumers --- */

enum { RING = 256, PARCELS = 150000, PAIRS = 2 };

/* One producer, one consumer, no lock: the allocator is all they meet in. */
struct ring {
	struct parcel parcels[RING];
	atomic_size_t produced;		/* release by the producer */
	atomic_size_t consumed;		/* release by the consumer */
	size_t largest;
	uint64_t seed;
};

static void *produce(void *data)
{
	struct ring *ring = data;

	for (size_t i = 0; i < PARCELS; i++) {
		struct parcel parcel = parcel_pack(&ring->seed, ring->largest);

		while (i - atomic_load_explicit(&ring->consumed, memory_order_acquire) ==
		       RING)
			sched_yield();
		ring->parcels[i % RING] = parcel;
		atomic_store_explicit(&ring->produced, i + 1, memory_order_release);
	}
	return NULL;
}

static void *consume(void *data)
{
	struct ring *ring = data;

	for (size_t i = 0; i < PARCELS; i++) {
		while (atomic_load_explicit(&ring->produced, memory_order_acquire) == i)
			sched_yield();
		parcel_discard(&ring->parcels[i % RING]);
		atomic_store_explicit(&ring->consumed, i + 1, memory_order_release);
	}
	return NULL;
}

static void pass_through_rings(size_t largest)
{
	static struct ring rings[PAIRS];
	pthread_t threads[PAIRS][2];

	for (size_t i = 0; i < PAIRS; i++) {
		atomic_store(&rings[i].produced, 0);
		atomic_store(&rings[i].consumed, 0);
		rings[i].largest = largest;
		rings[i].seed = largest + i;
		threads[i][0] = start(produce, &rings[i]);
		threads[i][1] = start(consume, &rings[i]);
	}
	for (size_t i = 0; i < PAIRS; i++) {
		CHECK(!pthread_join(threads[i][0], NULL));
		CHECK(!pthread_join(threads[i][1], NULL));
	}
}

/* Twice the same: what the second time needs beyond the first was never given back. */
static void blocks_passed_from_producer_to_consumer_are_intact_and_come_home(void)
{
	size_t before;

	pass_through_rings(1000);
	pass_through_rings(9000);
	before = resident_bytes();
	pass_through_rings(1000);
	pass_through_rings(9000);
	CHECK_THAT(resident_bytes() < before + 40 * MIB, "%zu MiB grew to %zu MiB",
		   before / MIB, resident_bytes() / MIB);
}

/* --- a round of threads, each of which frees what the one before it allocated --- */

enum { ROUND = 4, STATIONS = 60, HANDED = 1500 };

static struct parcel handed[ROUND][HANDED];
static pthread_barrier_t barrier;

static void *pass_on(void *data)
{
	size_t self = (size_t)data, before = (self + ROUND - 1) % ROUND;
	uint64_t random = self;

	for (size_t station = 0; station < STATIONS; station++) {
		for (size_t i = 0; i < HANDED; i++)
			handed[self][i] = parcel_pack(&random, i % 50 ? 4000 : 400000);
		pthread_barrier_wait(&barrier);
		for (size_t i = 0; i < HANDED; i += 5)
			resize_parcel(&handed[before][i], handed[before][i].size / 2 + 1);
		for (size_t i = 0; i < HANDED; i++)
			parcel_discard(&handed[before][i]);
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

static void blocks_resized_and_freed_by_the_next_thread_are_intact(void)
{
	pthread_t threads[ROUND];

	CHECK(!pthread_barrier_init(&barrier, NULL, ROUND));
	for (size_t i = 0; i < ROUND; i++)
		threads[i] = start(pass_on, (void *)i);
	for (size_t i = 0; i < ROUND; i++)
		CHECK(!pthread_join(threads[i], NULL));
	CHECK_THAT(resident_bytes() < 500 * MIB, "%zu MiB are resident",
		   resident_bytes() / MIB);
}

/* --- the crowd: a thousand threads begin at one moment, each with a block of many sizes --- */

enum { CROWD = 1000, CROWD_SIZES = 24, CROWD_ROUNDS = 3 };

static _Atomic unsigned refusals;

static void *begin_at_once(void *data)
{
	char *blocks[CROWD_SIZES];
	size_t size = 16;

	pthread_barrier_wait(&barrier);
	for (size_t i = 0; i < CROWD_SIZES; i++, size = size * 13 / 10 + 1) {
		blocks[i] = malloc(size);
		if (blocks[i])
			blocks[i][0] = 1;
		else
			atomic_fetch_add(&refusals, 1);
	}
	pthread_barrier_wait(&barrier);
	for (size_t i = 0; i < CROWD_SIZES; i++)
		free(blocks[i]);
	return data;
}

static void crowd(void)
{
	static pthread_t threads[CROWD];

	CHECK(!pthread_barrier_init(&barrier, NULL, CROWD));
	for (size_t i = 0; i < CROWD; i++)
		threads[i] = start(begin_at_once, NULL);
	for (size_t i = 0; i < CROWD; i++)
		CHECK(!pthread_join(threads[i], NULL));
	CHECK_THAT(refusals == 0, "malloc was NULL %u times", refusals);
}

/* Each crowd is the first of its process: nothing is open yet. */
static void a_thousand_threads_that_begin_at_once_are_never_refused(void)
{
	for (size_t i = 0; i < CROWD_ROUNDS; i++) {
		pid_t child = fork();

		if (!child) {
			crowd();
			_exit(0);
		}
		expect_success(child);
	}
}

static const struct contract_case cases[] = {
	CASE_WITH(blocks_of_an_ended_thread_are_used_and_freed_by_others, "helpers:never"),
	CASE(the_resident_size_of_ten_thousand_short_lived_threads_levels_off),
	CASE(threads_that_free_only_or_do_nothing_cost_nothing),
	CASE(blocks_passed_from_producer_to_consumer_are_intact_and_come_home),
	CASE(blocks_resized_and_freed_by_the_next_thread_are_intact),
	CASE(a_thousand_threads_that_begin_at_once_are_never_refused),
};

CONTRACT_MAIN(cases)
