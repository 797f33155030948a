/* SPDX-License-Identifier: MIT */
/*
 * profiled.h - a block out of a thread cache, in a slow path: by way of its bin, or while a profile
 * is taken by way of its counted bin, and perhaps sampled.
 *
 * Who may run with whom: as thread_cache.h.
 */
#ifndef HAKMEM_FRONT_PROFILED_H
#define HAKMEM_FRONT_PROFILED_H

#include "front/thread_cache.h"
#include "os/topology.h"

#define PROFILED_ROUND_BLOCKS	256	/* a bin that turns over fast gets so many blocks */

/* Nearly always so; else the bin had few for so many turns that it is to get more. */
static inline bool profiled_is_enough(struct counted *counted, size_t own, uint32_t count)
{
	uint8_t *turns = &counted->turns[own];

	return count >= PROFILED_ROUND_BLOCKS || (*turns && --*turns);
}

void *profiled_take_slow(struct thread_cache *cache, unsigned class, size_t size);

/*
 * What the fast path found empty may be a counted bin, which a turn fills: with what was freed, if
 * no sample comes before the last of it. The path of all slow ones that is taken most while a
 * profile lasts. NULL: something else is to be done, too.
 */
static inline void *profiled_turn(struct thread_cache *cache, struct bin *found)
{
	struct counted *counted = &cache->counted;
	size_t own = (size_t)((void ***)found - counted->tops);
	struct bin_slots *slots;
	uint32_t *left, count;
	struct bin *bin;
	unsigned class;

	if (likely(own >= COUNTED_BINS) || counted->stopped[own] || topology_has_homes() ||
	    counted->sampling.generation != profile_generation())
		return NULL;
	class = counted_class((unsigned)own);
	bin = &cache->bins[class];
	slots = &cache->slots[class];
	left = &counted->sampling.left[class];
	count = bin_count(bin, slots);
	if (!count || count > *left || !profiled_is_enough(counted, own, count))
		return NULL;
	*left -= count;
	counted_exchange(counted, own, bin, slots);
	/* What comes round is used: the limit is not to shrink for it. */
	cache->flushed_in_row[class] = 0;
	return *counted->tops[own]--;
}

/*
 * A block of the class for so many bytes; NULL: no memory. Where no step leads each is counted, and
 * while there is no profile the count is as good as endless.
 */
static inline void *profiled_take(struct thread_cache *cache, unsigned class, size_t size)
{
	struct counted *counted = &cache->counted;
	unsigned own = counted_of_class(class);
	uint32_t *left = &counted->sampling.left[class];
	void *block;

	if (counted_has_no_bin(class) ? likely(!__builtin_sub_overflow(*left, 1, left)) :
					likely(!counted_is_on(counted) && !profile_is_on()))
		return thread_cache_take(size, &cache->bins[class]);
	if (own < COUNTED_BINS && counted_is_on(counted) && !*counted->tops[own]) {
		block = profiled_turn(cache, (struct bin *)&counted->tops[own]);
		if (block)
			return block;
	}
	return profiled_take_slow(cache, class, size);
}

/* A block that came in another way, as if it had come in this one: itself, or a sampled one. */
void *profiled_pass(struct thread_cache *cache, unsigned class, size_t size, void *block);

#endif
