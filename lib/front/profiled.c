/* SPDX-License-Identifier: MIT */
/*
 * profiled.c - see profiled.h.
 *
 *   profiled_take_slow ─┬─ counted_let_go, and a block: pop ─┬─ counted_exchange
 *                       │                                    └─ thread_cache_refill
 *                       ├─ sampled_take, if it is the one
 *                       └─ counted_hold_back
 */
#include <config.h>

#include "front/profiled.h"

#include "front/sampled.h"

#define BYTES_AT_ONCE	(1 * MiB)	/* a bin that turns over fast has so much at most … */
#define BYTES_GROWN	(1 * MiB)	/* … and all of a thread grow by as much, … */
#define SHARE_OF_LIVE	2		/* … but for those that are small beside what lives */
/* by which what is freed may be more than what was handed out */
#define ROOM		32
#define BATCH_BLOCKS	64

/* So many blocks more come into the bin out of slabs, or fewer; returns how many. */
static uint32_t fill_up(struct thread_cache *cache, unsigned class, uint32_t blocks)
{
	struct bin *bin = &cache->bins[class];
	struct bin_slots *slots = &cache->slots[class];
	void *batch[BATCH_BLOCKS];
	uint32_t left = blocks;
	unsigned taken = 1;

	while (left && taken) {
		uint32_t wanted = (uint32_t)min_size(left, BATCH_BLOCKS);

		wanted = (uint32_t)min_size(wanted,
					    bin_reserve(bin, slots, cache->limits[class] + left,
							&cache->slot_pool, wanted));
		taken = wanted ? heap_take_blocks(&cache->heap, class, batch, wanted) : 0;
		asked_sample_count(&cache->sampling, class, taken);
		bin_push_some(bin, batch, taken);
		left -= taken;
	}
	return blocks - left;
}

/* How many more it may be: with little, or with as little as lives of the class. */
static uint32_t more(struct thread_cache *cache, unsigned class, uint32_t count)
{
	const struct heap_count *counts = &cache->heap.counts[class];
	const struct size_class *of = &size_class_table[class];
	size_t most = min_size(BYTES_AT_ONCE / of->size, PROFILED_ROUND_BLOCKS), taken;

	if (count >= most)
		return 0;
	most = min_size(most - count, count);
	taken = heap_count_read(&counts->slabs) * (size_t)of->capacity -
		heap_count_read(&counts->free);
	if (count + most > (taken - min_size(taken, count)) / SHARE_OF_LIVE)
		most = min_size(most, (BYTES_GROWN - min_size(cache->counted.grown_bytes,
							      BYTES_GROWN)) / of->size);
	return (uint32_t)most;
}

/* The same few blocks come round again and again: with more, that is seldom. */
static void grow(struct thread_cache *cache, unsigned class)
{
	uint8_t *turns = &cache->counted.turns[counted_of_class(class)];
	uint32_t count = bin_count(&cache->bins[class], &cache->slots[class]);
	uint32_t limit = cache->limits[class], wanted;

	if (*turns && --*turns)
		return;
	wanted = more(cache, class, count);
	*turns = wanted ? COUNTED_TURNS : UINT8_MAX;
	/* What is freed of so many is not to be flushed. */
	if (!wanted || (limit < 2 * count + ROOM &&
			!thread_cache_raise_limit(cache, class, 2 * count + ROOM - limit)))
		return;
	wanted = fill_up(cache, class, wanted);
	counted_note_grown(&cache->counted, class, wanted);
}

static void exchange(struct thread_cache *cache, unsigned class)
{
	counted_exchange(&cache->counted, counted_of_class(class), &cache->bins[class],
			 &cache->slots[class]);
	bin_mark_full(&cache->bins[class], &cache->slots[class], cache->limits[class]);
}

/* One from a counted bin that nothing holds back; NULL: no memory. */
static void *pop(struct thread_cache *cache, size_t size, unsigned class)
{
	void ***top = &cache->counted.tops[counted_of_class(class)];
	struct bin *bin = &cache->bins[class];
	void *block;

	if (!**top && bin_newest(bin)) {
		/* What comes round is used: the limit is not to shrink for it. */
		cache->flushed_in_row[class] = 0;
		grow(cache, class);
		exchange(cache, class);
	}
	if (**top)
		return *(*top)--;
	counted_forget_grown(&cache->counted, class);
	block = thread_cache_refill(size, bin);
	exchange(cache, class);
	return block;
}

/* The profile has begun, or ended, and the thread has not noticed. */
static void follow(struct thread_cache *cache)
{
	struct sampling *sampling = &cache->counted.sampling;

	if (counted_is_on(&cache->counted) != profile_is_on()) {
		thread_cache_counted_empty(cache);
		thread_cache_step_open_all(cache);
	}
	if (!counted_is_on(&cache->counted) || sampling->generation == profile_generation())
		return;
	thread_cache_counted_empty(cache);
	sampling_begin(sampling, profile_generation());
}

/* One more allocation of the class. True: it is to be sampled. */
static bool is_due(struct thread_cache *cache, unsigned class)
{
	uint32_t *left = &cache->counted.sampling.left[class];

	if (!counted_is_on(&cache->counted) || heap_is_kept(&cache->heap)) {
		*left = SAMPLING_NEVER;
		return false;
	}
	if (!*left)
		return true;
	--*left;
	return false;
}

void *profiled_take_slow(struct thread_cache *cache, unsigned class, size_t size)
{
	unsigned own = counted_of_class(class);
	bool is_sample, is_counted;
	void *block;

	/* Else it is known to be due, and was counted below none. */
	if (own == COUNTED_BINS)
		cache->counted.sampling.left[class] = 0;
	follow(cache);
	is_counted = own < COUNTED_BINS && counted_is_on(&cache->counted);
	/* What is there was counted; this is one of those. */
	if (is_counted && *cache->counted.tops[own])
		return *cache->counted.tops[own]--;
	if (is_counted)
		counted_let_go(&cache->counted, class);
	is_sample = is_due(cache, class);
	block = is_counted ? pop(cache, size, class) : thread_cache_take(size, &cache->bins[class]);
	if (is_sample && block)
		block = sampled_take(cache, class, size, block);
	if (is_counted)
		counted_hold_back(&cache->counted, class);
	return block;
}

void *profiled_pass(struct thread_cache *cache, unsigned class, size_t size, void *block)
{
	if (likely(!profile_is_on()))
		return block;
	follow(cache);
	return is_due(cache, class) ? sampled_take(cache, class, size, block) : block;
}
