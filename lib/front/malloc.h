/* SPDX-License-Identifier: MIT */
/*
 * malloc.h - the fast path of malloc(), to be compiled into whatever function bears the
 * name: no loop, no lock, no atomic read-modify-write.
 */
#ifndef HAKMEM_FRONT_MALLOC_H
#define HAKMEM_FRONT_MALLOC_H

#include "front/thread_cache.h"

/* No cache yet, or more than the fast path's sizes. Sets errno when it fails. */
void *malloc_slow(size_t size);
/* The bin is empty. Sets errno when it fails. */
void *malloc_refill(size_t size, struct bin *bin);

/* A block of the large range; NULL, without errno: no memory, or beyond PTRDIFF_MAX. */
void *malloc_large(size_t size, size_t alignment, size_t *dirty_bytes);

/* The only place that sets errno = ENOMEM; returns NULL. */
void *malloc_fail(void);

static ALWAYS_INLINE void *malloc_inline(size_t size)
{
	struct thread_cache *cache;
	struct bin *bin;

	if (unlikely(size >= thread_cache_tls.small_size_limit))
		return malloc_slow(size);
	cache = thread_cache_tls.cache;
	bin = (struct bin *)((char *)cache + (size_t)cache->bin_of_step[(size + 15) >> 4] * 8);
	if (unlikely(!bin->head))
		return malloc_refill(size, bin);
	return thread_cache_pop(bin);
}

#endif
