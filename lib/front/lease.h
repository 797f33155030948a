/* SPDX-License-Identifier: MIT */
/*
 * lease.h - the right to work in a thread cache for the length of one slow path.
 *
 * Usually it is the calling thread's own cache, made or adopted at its first call. A thread
 * whose exit has been noticed, or whose cache is seized at this moment, borrows another one
 * for the call: it waits for nobody.
 *
 * Who may run with whom: each thread for itself. Leases do not nest: whoever has one passes
 * the cache on.
 */
#ifndef HAKMEM_FRONT_LEASE_H
#define HAKMEM_FRONT_LEASE_H

#include "front/thread_cache.h"
#include "os/lock.h"
#include "os/topology.h"

/*
 * Makes the heap if there is none yet; false: no memory. What it holds is then known to the caller.
 */
bool lease_has_heap(void);

/* What is left when the thread's own cache is not simply there. */
struct thread_cache *lease_take_slow(void);
struct thread_cache *lease_take_own_slow(void);
void lease_put_slow(struct thread_cache *cache);

/*
 * The thread may be on a node of another home than when it came by its cache. Then it leaves
 * that as if it ended, and goes on with one of its new home.
 */
struct thread_cache *lease_follow(struct thread_cache *cache);

static inline bool lease_begin(struct thread_cache *cache)
{
	if (unlikely(!cache))
		return false;
	thread_cache_begin_work(cache);
	return likely(heap_is_owned(&cache->heap));
}

/* NULL: no memory. */
static inline struct thread_cache *lease_take(void)
{
	struct thread_cache *cache = thread_cache_tls.cache;

	if (unlikely(!lease_begin(cache)))
		cache = lease_take_slow();
	return topology_has_homes() && cache ? lease_follow(cache) : cache;
}

/* One of a home, as if the thread were there. NULL: no memory. */
struct thread_cache *lease_take_of(unsigned home);

/* Only the thread's own; NULL: it has none to work in just now. */
static inline struct thread_cache *lease_take_own(void)
{
	struct thread_cache *cache = thread_cache_tls.cache;

	return likely(lease_begin(cache)) ? cache : lease_take_own_slow();
}

static inline void lease_put(struct thread_cache *cache)
{
	thread_cache_end_work(cache);
	if (unlikely(cache != thread_cache_tls.cache))
		lease_put_slow(cache);
}

/*
 * A block goes home past all bins and outboxes, by way of whatever cache can be had: one of a heap
 * that is no thread's, or freed by a thread that has none.
 */
void lease_send_home(void *block);

/*
 * The calling thread's heap, if it has one, will serve frees only, as one whose thread did not
 * survive a fork; its next allocation begins another. For hardened_begin.
 */
struct heap *lease_give_up(void);

/* Held in the first allocation of all. */
struct lock *lease_fork_lock(void);

/* In a fork's child: the other threads are gone. */
void lease_after_fork_in_child(void);

#endif
