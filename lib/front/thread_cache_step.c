/* SPDX-License-Identifier: MIT */
/*
 * thread_cache_step.c - which bin serves a size, step by step of 16 bytes, as the fast path reads
 * it; see thread_cache.h. A class's counted bin stands in for its bin while a profile is taken.
 */
#include <config.h>

#include "front/thread_cache.h"

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
		set_step(cache, step, size_class_of(step * 16), counts);
	thread_cache_step_open_aligned(cache);
}
