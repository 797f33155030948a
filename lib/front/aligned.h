/* SPDX-License-Identifier: MIT */
/*
 * aligned.h - an aligned block out of a given cache.
 */
#ifndef HAKMEM_FRONT_ALIGNED_H
#define HAKMEM_FRONT_ALIGNED_H

#include "front/thread_cache.h"

/*
 * alignment: a power of two. The caller has a lease of the cache. NULL, without errno: no
 * memory.
 */
void *aligned_take(struct thread_cache *cache, size_t alignment, size_t size);

#endif
