/* SPDX-License-Identifier: MIT */
/*
 * Random calls of every function, on one thread and on four that hand blocks to each
 * other: no two live blocks share a byte, none loses its contents. Two witnesses: the
 * patterns in the blocks, and the sorted list of all their places.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"

enum {
	SLOTS = 1500,
	STEPS = 200000,
	STEPS_BETWEEN_MAPS = 5000,
	THREADS = 4,
	LARGEST = 5 << 20,
};

struct slot {
	char *block;
	size_t size;
	uint64_t tag;
};

/* One thread's blocks, and the numbers that steer it. */
struct actor {
	struct slot slots[SLOTS];
	uint64_t random;
	uint64_t next_tag;
	size_t live_bytes;
};

/* Many blocks and some large ones, but at most about 200 MiB in all. */
static size_t choose_size(struct actor *actor)
{
	size_t largest = random_next(&actor->random) % 64 == 0 ? LARGEST : 20000;

	if (actor->live_bytes > 200 * MIB / THREADS)
		largest = 200;
	return random_size(&actor->random, largest);
}

static char *take_block(struct actor *actor, size_t size)
{
	uint64_t choice = random_next(&actor->random);
	size_t alignment = (size_t)8 << (choice >> 8) % 14;
	char *block;
	void *place;

	switch (choice % 8) {
	case 0:
		block = calloc(1, size);
		CHECK_THAT(block && all_zero(block, size), "calloc(%zu) is not zero",
			   size);
		return block;
	case 1:
		block = memalign(alignment, size);
		CHECK(is_aligned(block, alignment));
		return block;
	case 2:
		CHECK(posix_memalign(&place, alignment, size) == 0);
		CHECK(is_aligned(place, alignment));
		return place;
	case 3:
		return realloc(NULL, size);
	default:
		return malloc(size);
	}
}

static void check_slot(const struct slot *slot)
{
	CHECK_THAT(pattern_holds(slot->block, slot->size, slot->tag),
		   "the block at %p, %zu bytes, was overwritten", slot->block,
		   slot->size);
}

static void fill_slot(struct actor *actor, struct slot *slot, char *block, size_t size)
{
	CHECK_THAT(block != NULL, "no block of %zu bytes", size);
	CHECK(malloc_usable_size(block) >= size);
	*slot = (struct slot){ block, size, actor->next_tag++ };
	pattern_write(block, size, slot->tag);
	actor->live_bytes += size;
}

static void empty_slot(struct actor *actor, struct slot *slot)
{
	check_slot(slot);
	free(slot->block);
	slot->block = NULL;
	actor->live_bytes -= slot->size;
}

static void resize_slot(struct actor *actor, struct slot *slot)
{
	size_t size = choose_size(actor) + 1;
	size_t kept = size < slot->size ? size : slot->size;
	char *block;

	check_slot(slot);
	block = realloc(slot->block, size);
	CHECK_THAT(block && pattern_holds(block, kept, slot->tag),
		   "realloc from %zu to %zu lost the contents", slot->size, size);
	actor->live_bytes -= slot->size;
	fill_slot(actor, slot, block, size);
}

static void step(struct actor *actor)
{
	struct slot *slot = &actor->slots[random_next(&actor->random) % SLOTS];
	size_t size;

	if (!slot->block) {
		size = choose_size(actor);
		fill_slot(actor, slot, take_block(actor, size), size);
	} else if (random_next(&actor->random) % 3 == 0) {
		resize_slot(actor, slot);
	} else {
		empty_slot(actor, slot);
	}
}

static int compare_places(const void *left, const void *right)
{
	const struct slot *a = left, *b = right;

	return (a->block > b->block) - (a->block < b->block);
}

static void check_map(const struct actor *actors, size_t count)
{
	static struct slot map[SLOTS * THREADS];
	size_t live = 0;

	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < SLOTS; j++)
			if (actors[i].slots[j].block)
				map[live++] = actors[i].slots[j];
	qsort(map, live, sizeof(*map), compare_places);
	for (size_t i = 0; i + 1 < live; i++)
		CHECK_THAT(map[i].block + malloc_usable_size(map[i].block) <=
				   map[i + 1].block,
			   "blocks overlap: %p of %zu bytes, %p of %zu bytes",
			   map[i].block, map[i].size, map[i + 1].block, map[i + 1].size);
}

static struct actor actors[THREADS];

static void one_thread_with_seed(uint64_t seed)
{
	struct actor *actor = &actors[0];

	actor->random = seed;
	for (size_t i = 1; i <= STEPS; i++) {
		step(actor);
		if (i % STEPS_BETWEEN_MAPS == 0)
			check_map(actor, 1);
	}
	for (size_t i = 0; i < SLOTS; i++)
		if (actor->slots[i].block)
			empty_slot(actor, &actor->slots[i]);
	check_map(actor, 1);
}

static void random_calls_of_one_thread_overlap_nowhere(void)
{
	for (uint64_t seed = 1; seed <= 3; seed++)
		one_thread_with_seed(seed);
}

static pthread_barrier_t barrier;

/* Every thread works, then all stand still, the map is checked, the blocks go round. */
static void *actor_main(void *data)
{
	struct actor *actor = data;

	for (size_t round = 0; round < STEPS / STEPS_BETWEEN_MAPS; round++) {
		for (size_t i = 0; i < STEPS_BETWEEN_MAPS / 2; i++)
			step(actor);
		if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD) {
			struct actor first = actors[0];

			check_map(actors, THREADS);
			for (size_t i = 0; i + 1 < THREADS; i++)
				actors[i] = actors[i + 1];
			actors[THREADS - 1] = first;
		}
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

static void random_calls_of_four_threads_that_swap_their_blocks_overlap_nowhere(void)
{
	pthread_t threads[THREADS];

	need_threads();
	CHECK(pthread_barrier_init(&barrier, NULL, THREADS) == 0);
	for (size_t i = 0; i < THREADS; i++) {
		actors[i].random = i + 100;
		actors[i].next_tag = i << 40;
		start_thread(&threads[i], NULL, actor_main, &actors[i]);
	}
	for (size_t i = 0; i < THREADS; i++)
		CHECK(!pthread_join(threads[i], NULL));
	for (size_t i = 0; i < THREADS; i++)
		for (size_t j = 0; j < SLOTS; j++)
			if (actors[i].slots[j].block)
				empty_slot(&actors[i], &actors[i].slots[j]);
}

static const struct contract_case cases[] = {
	CASE(random_calls_of_one_thread_overlap_nowhere),
	CASE(random_calls_of_four_threads_that_swap_their_blocks_overlap_nowhere),
};

CONTRACT_MAIN(cases)
