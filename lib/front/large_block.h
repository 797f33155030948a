/* SPDX-License-Identifier: MIT */
/*
 * large_block.h - a block of the large range, even if first what lies idle in caches and slabs
 * has to be given up for it.
 */
#ifndef HAKMEM_FRONT_LARGE_BLOCK_H
#define HAKMEM_FRONT_LARGE_BLOCK_H

#include <stddef.h>

struct thread_cache;

/*
 * NULL, without errno: no memory, or beyond PTRDIFF_MAX. *dirty_bytes: so much from its start
 * may not be zero. cache: what the caller works in.
 */
void *large_block_take(struct thread_cache *cache, size_t size, size_t alignment,
		       size_t *dirty_bytes);

/*
 * Makes bytes of a block zero that large_block_take has just given. Many are dropped instead:
 * what the program does not touch of them costs neither time nor memory.
 */
void *large_block_clear(void *block, size_t bytes, size_t dirty_bytes);

#endif
