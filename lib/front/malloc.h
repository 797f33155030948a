/* SPDX-License-Identifier: MIT */
/*
 * malloc.h - the fast path of malloc(), to be compiled into whatever function bears the
 * name: no loop, no lock, no atomic read-modify-write.
 */
#ifndef HAKMEM_FRONT_MALLOC_H
#define HAKMEM_FRONT_MALLOC_H

#include "front/thread_cache.h"

/* No cache yet; more than the fast path's sizes; an empty bin. Sets errno when it fails. */
void *malloc_slow(size_t size);

/* The step led to a bin that is empty, perhaps because the cache was seized. */
void *malloc_empty(size_t size, struct bin *bin);

/* The only place that sets errno = ENOMEM; returns NULL. */
void *malloc_fail(void);

/* How often it was called. */
size_t malloc_failures(void);

static ALWAYS_INLINE void *malloc_inline(size_t size)
{
	struct thread_cache *cache;
	struct bin *bin;
	size_t offset;
	void *block;

	if (unlikely(size >= thread_cache_tls.small_size_limit))
		return malloc_slow(size);
	cache = thread_cache_tls.cache;
	thread_cache_begin_work(cache);
	offset = atomic_load_explicit(&cache->bin_of_step[(size + 15) >> 4], memory_order_relaxed);
	bin = (struct bin *)((char *)cache + offset * 8);
	block = bin_newest(bin);
	if (unlikely(!block))
		return malloc_empty(size, bin);
	bin_drop_newest(bin);
	thread_cache_end_work(cache);
	IN_ONE_REGISTER(block);
	return block;
}

#endif
