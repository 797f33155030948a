/* SPDX-License-Identifier: MIT */
/*
 * lease.c - see lease.h. How threads come by their caches, and what becomes of these when
 * threads end.
 */
#include <config.h>

#include "front/lease.h"

#include "back/metadata.h"
#include "front/seizure.h"
#include "middle/heap_frozen.h"
#include "os/lock.h"
#include "os/node.h"
#include "os/thread.h"
#include "support/options.h"

/* The first thread's: a process that never has a second touches no other. */
static struct thread_cache first_cache;

/* The bin of units without a slab: its owner is nobody. */
static struct {
	struct bin bins[CLASS_COUNT + 1] CACHE_ALIGNED;
	struct counted counted;
	struct bin_owner owner CACHE_ALIGNED;
} nobody;

_Static_assert(offsetof(struct thread_cache, owners) ==
		       64 * ((sizeof(nobody.bins) + sizeof(nobody.counted) + 63) / 64),
	       "nobody's owner lies where that of a bin would");

static struct lock start_lock;
static _Atomic bool started;		/* release by start lock; acquire in attach */
static _Atomic uintptr_t starter;	/* who has done so; relaxed: compared with oneself only */

static void set_owner(struct thread_cache *cache, uintptr_t thread)
{
	unsigned class;

	/* relaxed: a thread compares with itself only; nobody else's value can be mistaken */
	for (class = 0; class <= CLASS_COUNT; class++)
		atomic_store_explicit(&cache->owners[class].thread, thread, memory_order_relaxed);
}

static void detach_at_exit(void *cache);

/* Out of what is open: a warm thread makes no system call for it. */
static struct heap *make_common(unsigned home)
{
	struct thread_cache *cache = metadata_take_open(sizeof(*cache));

	if (!cache)
		return NULL;
	heap_make_common(&cache->heap);
	thread_cache_init(cache, home);
	return &cache->heap;
}

/* With the start lock. */
static bool start(void)
{
	size_class_init();
	if (reservation_init(&nobody))
		return false;
	metadata_open_ahead();
	thread_cache_init(&first_cache, 0);
	common_set_maker(make_common);
	heap_abandon(&first_cache.heap);
	/*
	 * Not before the heap can be used: others may stand in the C library's place, and allocate.
	 * Nor after another thread can use it, whose exit would not be noticed then.
	 */
	atomic_store_explicit(&starter, thread_identity(), memory_order_relaxed);
	/* Where keys are used up, caches of threads that end stay as they are. */
	thread_exit_init(detach_at_exit);
	atomic_store_explicit(&started, true, memory_order_release);
	return true;
}

/* Once a process, in the first slow path of its first thread. */
static bool lease_start(void)
{
	bool ok;

	/* By an allocation in the middle of it. */
	if (atomic_load_explicit(&starter, memory_order_relaxed) == thread_identity())
		return true;
	lock_take(&start_lock);
	ok = atomic_load_explicit(&started, memory_order_relaxed) || start();
	lock_put(&start_lock);
	return ok;
}

struct lock *lease_fork_lock(void)
{
	return &start_lock;
}

/* Nobody has used it yet. */
static void share(struct thread_cache *cache)
{
	unsigned class;

	common_begin(&cache->common, &cache->heap);
	for (class = 0; class < CLASS_COUNT; class++)
		cache->limits[class] = thread_cache_first_limit(cache, class);
}

/* A cache of the home that is nobody else's; NULL: no memory. */
static struct thread_cache *adopt_or_make(unsigned home)
{
	struct heap *heap = heap_adopt(home);
	struct thread_cache *cache;

	if (heap)
		return thread_cache_of_heap(heap);
	cache = metadata_take(sizeof(*cache));
	if (cache) {
		/* Once it is known it may be seized, while it is not ready. */
		thread_cache_begin_work(cache);
		thread_cache_init(cache, home);
		share(cache);
	}
	return cache;
}

/* False: it is seized. */
static bool begin_own(struct thread_cache *cache)
{
	if (lease_begin(cache))
		return true;
	if (heap_resume(&cache->heap)) {
		thread_cache_reopen(cache);
		return true;
	}
	thread_cache_end_work(cache);
	seizure_want_back(cache);
	return false;
}

/* What was seized while it had no thread was not resumed either. */
static bool begin_adopted(struct thread_cache *cache)
{
	if (!begin_own(cache))
		return false;
	if (cache->seized.open_again)
		thread_cache_reopen(cache);
	return true;
}

bool lease_has_heap(void)
{
	return atomic_load_explicit(&started, memory_order_acquire) || lease_start();
}

static unsigned current_home(void)
{
	return topology_has_homes() ? node_home() : 0;
}

static struct thread_cache *lease_borrow(unsigned home)
{
	struct thread_cache *cache = NULL;

	while (lease_has_heap() && (cache = adopt_or_make(home)) && !begin_adopted(cache))
		heap_abandon(&cache->heap);	/* seized in this very moment */
	return cache;
}

struct thread_cache *lease_take_of(unsigned home)
{
	struct thread_cache *cache = lease_take();

	if (!cache || cache->heap.home == home)
		return cache;
	lease_put(cache);
	return lease_borrow(home);
}

/* The thread keeps the cache until it ends. NULL: seized already. */
static struct thread_cache *lease_keep(struct thread_cache *cache)
{
	thread_cache_tls.cache = cache;
	/* Hardened, a thread owns no bin and has no limit: all of its calls are slow ones. */
	if (!options.hardened) {
		set_owner(cache, thread_identity());
		thread_cache_tls.small_size_limit = SMALL_SIZE_LIMIT;
	}
	thread_exit_arm(cache);
	return begin_adopted(cache) ? cache : NULL;
}

/* NULL: no memory, or seized already. */
static struct thread_cache *attach(void)
{
	struct thread_cache *cache;

	if (!lease_has_heap())
		return NULL;
	/* By an allocation in the middle of that, before there was a key to arm. */
	if (thread_cache_tls.cache) {
		thread_exit_arm(thread_cache_tls.cache);
		return begin_own(thread_cache_tls.cache) ? thread_cache_tls.cache : NULL;
	}
	/* The loader clears our thread-local storage if a resolver (IFUNC) allocated before it. */
	if (atomic_load_explicit(&first_cache.owners[0].thread, memory_order_relaxed) ==
	    thread_identity())
		cache = &first_cache;
	else
		cache = adopt_or_make(current_home());
	return cache ? lease_keep(cache) : NULL;
}

struct thread_cache *lease_take_own_slow(void)
{
	struct thread_cache *cache = thread_cache_tls.cache;

	if (cache)
		return begin_own(cache) ? cache : NULL;
	return thread_cache_tls.leaving ? NULL : attach();
}

struct thread_cache *lease_take_slow(void)
{
	struct thread_cache *cache = lease_take_own_slow();

	return cache ? cache : lease_borrow(current_home());
}

static void abandon(struct thread_cache *cache)
{
	heap_abandon(&cache->heap);
	remote_free_visit_if_idle(&cache->heap);
}

/* All of it stays there, for the next thread of that home. */
static void leave(struct thread_cache *cache)
{
	thread_cache_flush_bins(cache);
	thread_cache_end_work(cache);
	set_owner(cache, 0);
	abandon(cache);
}

struct thread_cache *lease_follow(struct thread_cache *cache)
{
	unsigned home = node_home();
	struct thread_cache *next;

	if (home == cache->heap.home || cache != thread_cache_tls.cache)
		return cache;
	next = adopt_or_make(home);
	if (!next)
		return cache;
	leave(cache);
	cache = lease_keep(next);
	return cache ? cache : lease_borrow(current_home());
}

void lease_put_slow(struct thread_cache *cache)
{
	abandon(cache);
}

/* At once, not by way of the outbox. */
static void send_home(struct thread_cache *cache, void *block)
{
	struct bin *bin = bin_of_block(block);
	struct heap *owner = &thread_cache_bin_owner(bin)->cache->heap;
	unsigned class;

	if (owner == &cache->heap) {
		heap_put_blocks(owner, &block, 1);
		return;
	}
	class = thread_cache_block_class(bin, block);
	heap_note_sent(&cache->heap, class);
	/*
	 * While it is seized, its thread may free thousands that nobody receives: not a message for
	 * each. What stays in a batch is posted when the helper looks (reclaim.c).
	 */
	if (heap_is_seized(owner))
		remote_free_push(&cache->outbox, owner, block, class);
	else
		remote_free_send_one(&cache->outbox, owner, block);
}

void lease_send_home(void *block)
{
	struct thread_cache *cache = lease_take();

	if (unlikely(!cache))
		return;	/* no memory even for a cache: it stays where it is */
	send_home(cache, block);
	lease_put(cache);
}

/* The heap waits for another thread; whatever is wholly free in it goes to everybody. */
static void detach_at_exit(void *argument)
{
	struct thread_cache *cache = argument;

	if (begin_own(cache)) {
		thread_cache_flush_bins(cache);
		thread_cache_end_work(cache);
	}
	thread_cache_tls.cache = NULL;
	thread_cache_tls.small_size_limit = 0;
	thread_cache_tls.leaving = true;
	set_owner(cache, 0);
	abandon(cache);
}

struct heap *lease_give_up(void)
{
	struct thread_cache *cache = thread_cache_tls.cache;

	if (!cache)
		return NULL;
	thread_cache_tls.cache = NULL;
	thread_cache_tls.small_size_limit = 0;
	set_owner(cache, 0);
	/* relaxed: the process has one thread */
	atomic_store_explicit(&cache->heap.hold, HEAP_FROZEN, memory_order_relaxed);
	return &cache->heap;
}

static void freeze(struct heap *heap)
{
	set_owner(thread_cache_of_heap(heap), 0);
}

void lease_after_fork_in_child(void)
{
	struct thread_cache *cache = thread_cache_tls.cache;

	/* Seized in the parent, it may be torn. */
	if (cache && heap_is_seized(&cache->heap)) {
		thread_cache_tls.cache = cache = NULL;
		thread_cache_tls.small_size_limit = 0;
	}
	heap_frozen_all_but(cache ? &cache->heap : NULL, freeze);
}
