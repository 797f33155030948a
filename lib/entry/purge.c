/* SPDX-License-Identifier: MIT */
/*
 * purge.c - gives back at once what the program does not use, on the caller's time: for
 * malloc_trim() and hak_purge(). The helper does the same without anybody asking.
 */
#include <config.h>

#include <stdatomic.h>

#include <hakmem/hakmem.h>

#include "back/large.h"
#include "back/large_move.h"
#include "back/superslab_trim.h"
#include "front/guarded.h"
#include "front/lease.h"
#include "upkeep/reclaim.h"

#define NAPS_IN_VAIN	200	/* behind a purge whose naps did not help: who worked was killed */

static _Atomic unsigned naps_most = RECLAIM_NAPS_MOST;	/* relaxed: a guess */

/* What is freed while the helper has the cache in hand comes home when it gives that back. */
static struct thread_cache *wait_for_own(struct reclaim_purge *purge)
{
	struct thread_cache *cache = lease_take_own();

	while (!cache && thread_cache_tls.cache && reclaim_nap(purge))
		cache = lease_take_own();
	return cache;
}

/* The caller's own cache and heap, and those without a thread, need no barrier in others. */
static void purge_own(struct reclaim_purge *purge)
{
	struct thread_cache *cache = wait_for_own(purge);

	thread_cache_flush_all(cache);
	if (cache) {
		purge->bytes += reclaim_heap(&cache->heap, false);
		lease_put(cache);
	}
}

EXPORT size_t hak_purge(void)
{
	struct reclaim_purge purge = {
		.naps = atomic_load_explicit(&naps_most, memory_order_relaxed),
	};
	size_t bytes;

	reclaim_all(&purge);
	/* After those of others, which may send home what is ours. */
	purge_own(&purge);
	/* And theirs, which these have sent. */
	reclaim_arrived(&purge);
	atomic_store_explicit(&naps_most, purge.naps ? RECLAIM_NAPS_MOST : NAPS_IN_VAIN,
			      memory_order_relaxed);
	bytes = purge.bytes;
	guarded_flush();
	bytes += superslab_trim();
	large_move_mend();
	bytes += large_trim();
	return bytes;
}

EXPORT int hak_malloc_trim(size_t pad)
{
	(void)pad;
	return hak_purge() > 0;
}
