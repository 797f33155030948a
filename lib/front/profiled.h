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

void *profiled_take_slow(size_t size, struct bin *bin);

/* A block of the bin's class for so many bytes; NULL: no memory. */
static inline void *profiled_take(size_t size, struct bin *bin)
{
	if (unlikely(profile_is_on() ||
		     counted_is_on(&thread_cache_bin_owner(bin)->cache->counted)))
		return profiled_take_slow(size, bin);
	return thread_cache_take(size, bin);
}

/* A block that came in another way, as if it had come in this one: itself, or a sampled one. */
void *profiled_pass(struct thread_cache *cache, unsigned class, size_t size, void *block);

#endif
