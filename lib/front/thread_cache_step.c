/* SPDX-License-Identifier: MIT */
/*
 * thread_cache_step.c - which bin serves a size, step by step of 16 bytes, as the fast path reads
 * it; see thread_cache.h. A class's counted bin stands in for its bin while a profile is taken.
 */
#include <config.h>

#include "front/thread_cache.h"

#define SLABS_LEAST	16	/* of a class, before the one below it gets slabs, too … */
#define SAMPLES_LEAST	64	/* … and so much is known of what is asked for */
#define MARGIN_SHARE	64	/* less than the class below, by such a part at the mean */

unsigned thread_cache_step_between(const struct thread_cache *cache, size_t size)
{
	unsigned between = size_class_between(size);

	if (between != CLASS_NONE && cache->between >> (between - CLASS_BETWEEN_FIRST) & 1 &&
	    !counted_is_on(&cache->counted))
		return between;
	return size_class_of(size);
}

/* A heap has many blocks of the class, and the mean of what they were asked for would fit. */
static bool is_worth_it(const struct heap_count *count, unsigned below)
{
	uint64_t size = size_class_table[below].size, samples = heap_count_read(&count->samples);

	size -= size / MARGIN_SHARE;
	return heap_count_read(&count->slabs) >= SLABS_LEAST && samples >= SAMPLES_LEAST &&
	       atomic_load_explicit(&count->asked, memory_order_relaxed) <= samples * size;
}

void thread_cache_step_look(struct thread_cache *cache, unsigned class)
{
	unsigned below = size_class_below(class);
	uint8_t bit;

	if (below == CLASS_NONE || counted_is_on(&cache->counted))
		return;
	bit = (uint8_t)(1u << (below - CLASS_BETWEEN_FIRST));
	if (cache->between & bit || !is_worth_it(&cache->heap.counts[class], below))
		return;
	cache->between |= bit;
	thread_cache_step_open_all(cache);
}

static void set_step(struct thread_cache *cache, size_t step, unsigned class, bool counts)
{
	size_t place = offsetof(struct thread_cache, counted.tops) / 8 + counted_of_class(class);

	if (counts)
		atomic_store_explicit(&cache->bin_of_step[step], (uint8_t)place,
				      memory_order_relaxed);
	else
		thread_cache_set_step(cache, step, class);
}

void thread_cache_step_open_aligned(struct thread_cache *cache)
{
	bool counts = counted_is_on(&cache->counted);
	size_t step;

	for (step = 0; step < ALIGNED_STEPS; step++)
		if (cache->has_guests)
			thread_cache_set_step(cache, SIZE_STEPS + step, CLASS_COUNT);
		else
			set_step(cache, SIZE_STEPS + step,
				 size_class_of_aligned((step + 1) * 32, 32), counts);
}

void thread_cache_step_open_all(struct thread_cache *cache)
{
	bool counts = profile_is_on();
	size_t step;

	counted_begin(&cache->counted, counts, cache->nothing);
	for (step = 0; step < SIZE_STEPS; step++)
		set_step(cache, step, thread_cache_step_class(cache, step * 16), counts);
	thread_cache_step_open_aligned(cache);
}
