/* SPDX-License-Identifier: MIT */
/*
 * large_block.c - see large_block.h.
 */
#include <config.h>

#include "front/large_block.h"

#include <stdint.h>
#include <string.h>

#include "back/balance.h"
#include "back/large.h"
#include "back/large_move.h"
#include "back/limit.h"
#include "front/sampled.h"
#include "os/vm.h"
#include "support/probe.h"

PROBE(large_alloc);	/* block, bytes asked for */

/*
 * A page that is dropped and then written to takes several times as long as one that is
 * cleared. Where so much is asked for at once, often little is used.
 */
#define DROPPED_BYTES_LEAST	(32 * MiB)

/* What lies idle in caches and slabs may be just what is missing. */
static void *take_from_idle(struct thread_cache *cache, size_t size, size_t alignment,
			    size_t *dirty_bytes)
{
	void *block;

	thread_cache_flush_all(cache);
	block = large_take_at(cache->heap.home, size, alignment, dirty_bytes);
	if (block || !balance_toward_large(size, alignment))
		return block;
	return large_take_at(cache->heap.home, size, alignment, dirty_bytes);
}

static void *large_block_take_once(struct thread_cache *cache, size_t size, size_t alignment,
				   size_t *dirty_bytes)
{
	void *block = large_take_at(cache->heap.home, size, alignment, dirty_bytes);

	if (unlikely(!block))
		block = take_from_idle(cache, size, alignment, dirty_bytes);
	if (block && !limit_holds()) {
		large_put(block);
		block = NULL;
	}
	return block;
}

void *large_block_take(struct thread_cache *cache, size_t size, size_t alignment,
		       size_t *dirty_bytes)
{
	unsigned tries = 0;
	void *block;

	if (size > PTRDIFF_MAX || alignment > PTRDIFF_MAX)
		return NULL;
	large_move_mend();
	do {
		block = large_block_take_once(cache, size, alignment, dirty_bytes);
	} while (unlikely(!block) && limit_try_again(size, &tries));
	if (!block)
		return NULL;
	PROBE_2(large_alloc, block, size);
	if (unlikely(profile_is_on()))
		sampled_judge_large(cache, block, size);
	return block;
}

void *large_block_clear(void *block, size_t bytes, size_t dirty_bytes)
{
	size_t dirty = min_size(bytes, dirty_bytes), dropped = 0;

	if (dirty >= DROPPED_BYTES_LEAST) {
		dropped = dirty & ~(vm_page_size() - 1);
		/* What the program has locked stays where it is. */
		if (vm_drop_unlocked(block, dropped))
			dropped = 0;
	}
	memset((char *)block + dropped, 0, dirty - dropped);
	return block;
}
