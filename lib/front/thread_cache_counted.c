/* SPDX-License-Identifier: MIT */
/*
 * thread_cache_counted.c - a thread cache without what its counted bins hold; see thread_cache.h.
 */
#include <config.h>

#include "front/thread_cache.h"

#define BATCH_BLOCKS	64

size_t thread_cache_counted_empty(struct thread_cache *cache)
{
	void *blocks[BATCH_BLOCKS];
	unsigned class, count;
	size_t bytes = 0;

	for (class = 0; class < CLASS_COUNT; class++) {
		counted_count_back(&cache->counted, class);
		while ((count = counted_take_out(&cache->counted, class, blocks, BATCH_BLOCKS))) {
			common_put_blocks(&cache->common, &cache->heap, &cache->outbox, blocks,
					  count);
			bytes += count * (size_t)size_class_table[class].size;
		}
	}
	return bytes;
}
