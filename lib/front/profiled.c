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

#define BYTES_AT_ONCE	(1 * MiB)	/* a bin that turns over fast is filled with so much … */
#define BLOCKS_AT_ONCE	512		/* … and so many blocks at most */
#define TURNS_TO_GROW	4
/* by which what is freed may be more than what was handed out */
#define ROOM		32
#define BATCH_BLOCKS	64

/* So many blocks more come into the bin out of slabs, or fewer. */
static void fill_up(struct thread_cache *cache, unsigned class, uint32_t blocks)
{
	struct bin *bin = &cache->bins[class];
	struct bin_slots *slots = &cache->slots[class];
	void *batch[BATCH_BLOCKS];
	unsigned taken = 1;

	while (blocks && taken) {
		uint32_t wanted = (uint32_t)min_size(blocks, BATCH_BLOCKS);

		wanted = (uint32_t)min_size(wanted,
					    bin_reserve(bin, slots, cache->limits[class] + blocks,
							&cache->slot_pool, wanted));
		taken = wanted ? heap_take_blocks(&cache->heap, class, batch, wanted) : 0;
		asked_sample_count(&cache->sampling, class, taken);
		bin_push_some(bin, batch, taken);
		blocks -= taken;
	}
}

/* The same few blocks come round again and again: with more, that is seldom. */
static void grow(struct thread_cache *cache, unsigned class)
{
	uint32_t most =
		(uint32_t)min_size(BYTES_AT_ONCE / size_class_table[class].size, BLOCKS_AT_ONCE);
	uint32_t count = bin_count(&cache->bins[class], &cache->slots[class]);
	uint32_t limit = cache->limits[class];
	uint8_t *in_row = &cache->counted.in_row[counted_of_class(class)];

	if (count >= most || ++*in_row < TURNS_TO_GROW)
		return;
	*in_row = 0;
	/* What is freed of so many is not to be flushed. */
	if (limit < 2 * count + ROOM &&
	    !thread_cache_raise_limit(cache, class, 2 * count + ROOM - limit))
		return;
	fill_up(cache, class, (uint32_t)min_size(most - count, count));
}

static void exchange(struct thread_cache *cache, unsigned class)
{
	counted_exchange(&cache->counted, class, &cache->bins[class], &cache->slots[class]);
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
	cache->counted.in_row[counted_of_class(class)] = 0;
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

	if (!counted_is_on(&cache->counted) || heap_is_kept(&cache->heap))
		return false;
	if (!*left)
		return true;
	--*left;
	return false;
}

void *profiled_take_slow(size_t size, struct bin *bin)
{
	struct thread_cache *cache = thread_cache_bin_owner(bin)->cache;
	unsigned class = thread_cache_bin_class(bin), own = counted_of_class(class);
	bool is_sample, is_counted;
	void *block;

	follow(cache);
	is_counted = own < COUNTED_BINS && counted_is_on(&cache->counted);
	/* What is there was counted; this is one of those. */
	if (is_counted && *cache->counted.tops[own])
		return *cache->counted.tops[own]--;
	if (is_counted)
		counted_let_go(&cache->counted, class);
	is_sample = is_due(cache, class);
	block = is_counted ? pop(cache, size, class) : thread_cache_take(size, bin);
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
