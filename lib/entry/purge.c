/* SPDX-License-Identifier: MIT */
/*
 * purge.c - gives back at once what the program does not use, on the caller's time: for
 * malloc_trim() and hak_purge(). The helper does the same without anybody asking.
 */
#include <config.h>

#include <hakmem/hakmem.h>

#include "back/large.h"
#include "back/large_move.h"
#include "back/superslab_trim.h"
#include "front/guarded.h"
#include "front/lease.h"
#include "upkeep/reclaim.h"
#include "os/thread.h"

#define NAPS_MOST	200
#define NAP_NS		100000ull

/* What is freed while the helper has the cache in hand comes home when it gives that back. */
static struct thread_cache *wait_for_own(void)
{
	struct thread_cache *cache = lease_take_own();
	unsigned nap;

	for (nap = 0; !cache && thread_cache_tls.cache && nap < NAPS_MOST; nap++) {
		thread_nap(NAP_NS);
		cache = lease_take_own();
	}
	return cache;
}

/* The caller's own cache and heap, and those without a thread, need no barrier in others. */
static size_t purge_own(void)
{
	struct thread_cache *cache = wait_for_own();
	size_t bytes = 0;

	thread_cache_flush_all(cache);
	if (cache) {
		bytes = reclaim_heap(&cache->heap);
		lease_put(cache);
	}
	return bytes;
}

EXPORT size_t hak_purge(void)
{
	size_t bytes = reclaim_all(false);

	/* After those of others, which may send home what is ours. */
	bytes += purge_own();
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
