/* SPDX-License-Identifier: MIT */
/*
 * profiling.c - see profiling.h.
 */
#include <config.h>

#include "upkeep/profiling.h"

#include <stdatomic.h>
#include <stdint.h>

#include "front/seizure.h"
#include "profile/profile.h"
#include "support/options.h"

/* a thread that does nothing but malloc is in the middle of one half of the time */
#define TRIES	200

/* Its next malloc takes the slow path, which opens the steps anew. */
static void reopen(struct heap *heap, void *argument)
{
	struct thread_cache *cache = thread_cache_of_heap(heap);
	unsigned try;

	(void)argument;
	if (heap_is_frozen(heap) || heap_is_idle(heap) || heap_is_kept(heap))
		return;
	for (try = 0; try < TRIES; try++) {
		if (!seizure_take(cache))
			continue;
		if (!profile_is_on())
			thread_cache_counted_empty(cache);
		cache->seized.open_again = true;
		seizure_put(cache);
		return;
	}
}

static const char *begin_or_end(size_t interval_bytes)
{
	if (interval_bytes == SIZE_MAX)
		profile_end();
	else if (options.hardened)
		return "not under hardened:true";
	else if (!profile_begin(interval_bytes))
		return "no memory for its tables";
	heap_visit_all(reopen, NULL);
	return NULL;
}

const char *profiling_follow(void)
{
	static _Atomic bool is_busy;	/* acquire and release: one after the other */
	const char *cause;

	if (atomic_exchange_explicit(&is_busy, true, memory_order_acquire))
		return "another start or stop is on its way";
	cause = begin_or_end(options.profile_bytes);
	atomic_store_explicit(&is_busy, false, memory_order_release);
	return cause;
}
