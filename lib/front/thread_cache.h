/* SPDX-License-Identifier: MIT */
/*
 * thread_cache.h - one thread's free blocks: a stack ("bin") a size class, across slabs.
 *
 * Who may run with whom: only the thread itself, without lock or atomic read-modify-write.
 * Other threads read owners[] alone, to learn that a block is not theirs. While a cache has
 * no thread, whoever adopted its heap has it; while its thread does not use it, whoever
 * seized it (see seizure.h).
 */
#ifndef HAKMEM_FRONT_THREAD_CACHE_H
#define HAKMEM_FRONT_THREAD_CACHE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "front/bin.h"
#include "front/counted.h"
#include "middle/asked_sample.h"
#include "middle/common.h"
#include "middle/heap.h"
#include "middle/remote_free.h"
#include "os/thread.h"
#include "profile/profile.h"
#include "support/compiler.h"
#include "support/size_class.h"

/* Lies a constant distance behind its bin, on lines that are read by all and seldom written. */
struct bin_owner {
	_Atomic uintptr_t thread;	/* thread_identity(), 0: nobody */
	struct thread_cache *cache;
};

#define SIZE_STEPS	(SMALL_SIZE_LIMIT / 16 + 1)
#define ALIGNED_STEPS	(SMALL_SIZE_LIMIT / 32)	/* behind them, see aligned.h */

/* What whoever seized the cache leaves to its thread. Guarded by the heap's hold. */
struct seized_cache {
	bool open_again;		/* steps were closed, or blocks taken */
	_Atomic bool wanted_back;	/* relaxed: a hint from the thread */
	/* Blocks from the bottom up to this one are gone; NULL: none. Read by others as top is. */
	void **taken[CLASS_COUNT];
	/* The helper's, see reclaim.c. */
	uint64_t sum;
	uint8_t looks;			/* in a row at which the sum was this */
	uint8_t pending;		/* bits of enum reclaim_pending */
};

struct thread_cache {
	/* The last one belongs to no class and stays empty and full: see seizure.h. */
	struct bin bins[CLASS_COUNT + 1] CACHE_ALIGNED;
	struct counted counted;		/* what malloc pops from while a profile is taken */
	struct bin_owner owners[CLASS_COUNT + 1] CACHE_ALIGNED;
	/*
	 * The thread is popping a block, or in a slow path; release: pairs with the acquire in
	 * is_working of seizure.c.
	 */
	_Atomic uint8_t working;
	/* By size in 16 B steps: where its bin is, in 8 B from the start of this struct. */
	/* relaxed: seizure.c has a barrier */
	_Atomic uint8_t bin_of_step[SIZE_STEPS + ALIGNED_STEPS];
	struct bin_slots slots[CLASS_COUNT];
	void *nothing[BIN_SLOTS_NONE];	/* the array of bins that have none */
	struct slot_pool slot_pool;
	uint32_t limits[CLASS_COUNT];	/* of the bins, in blocks; read by others as top is */
	uint8_t between;		/* a bit for each class between that sizes lead to */
	bool has_guests;		/* in bins: blocks that are not aligned as their class is */
	bool has_samples;		/* see sampled.h; written before others know of it */
	uint32_t grown_blocks;		/* sum of limits above the first ones */
	uint32_t flushed_in_row[CLASS_COUNT];	/* blocks since the bin was last refilled */
	uint32_t flushed[CLASS_COUNT];	/* blocks flushed and not yet asked for again */
	struct asked_sampling sampling;
	struct common_use common;
	uint32_t refills_since_send, reads;
	struct quarantine *quarantine;	/* under hardened:true, once it is needed */
	struct remote_outbox outbox;
	struct seized_cache seized;
	struct heap heap;
};

_Static_assert(sizeof(struct bin) == HEAP_BIN_BYTES, "heap.c enters bins into bin_of_unit");
_Static_assert(sizeof(struct bin_owner) == sizeof(struct bin), "a bin's owner is at its index");
_Static_assert(offsetof(struct thread_cache, bins) == 0, "bin_of_step counts from the start");
_Static_assert(CLASS_COUNT * sizeof(struct bin) / 8 <= UINT8_MAX, "bin_of_step is a byte");
_Static_assert(offsetof(struct thread_cache, counted.tops) / 8 + COUNTED_BINS <= UINT8_MAX,
	       "which reaches counted ones too");

/*
 * Zero until the thread's first slow path: every size is at or above the limit then, so the
 * fast path needs no check of its own. Initial-exec: one load, and never an allocation; its
 * 24 bytes fit the surplus of static TLS.
 */
struct thread_cache_tls {
	struct thread_cache *cache;
	size_t small_size_limit;	/* SMALL_SIZE_LIMIT, or 0: no cache */
	bool leaving;			/* its exit has been noticed: see lease.h */
};

extern _Thread_local struct thread_cache_tls thread_cache_tls HIDDEN
	__attribute__((tls_model("initial-exec")));

static inline struct bin_owner *thread_cache_bin_owner(struct bin *bin)
{
	return (struct bin_owner *)((char *)bin + offsetof(struct thread_cache, owners));
}

static inline unsigned thread_cache_bin_class(struct bin *bin)
{
	return (unsigned)(bin - thread_cache_bin_owner(bin)->cache->bins);
}

/*
 * The class of a block whose unit leads to the bin. Where there are guests only the record knows.
 */
static inline unsigned thread_cache_block_class(struct bin *bin, const void *block)
{
	unsigned class = thread_cache_bin_class(bin);

	return likely(class < CLASS_COUNT) ? class : slab_class_of_block(block);
}

/* Also by who does not have the cache: then the count is of some moment. */
static RACY_READER inline uint32_t thread_cache_bin_count(struct bin *bin)
{
	struct thread_cache *cache = thread_cache_bin_owner(bin)->cache;
	unsigned class = thread_cache_bin_class(bin);
	void **taken = cache->seized.taken[class];
	ptrdiff_t count = bin->top - (taken ? taken : bin_bottom(&cache->slots[class]));

	/* The array may just have changed. */
	return count < 0 || count > BIN_ARRAY_MOST ? 0 : (uint32_t)count;
}

/*
 * Between these two nobody seizes the cache. relaxed: seizure.c makes the store visible by a
 * barrier in every thread, so that here a compiler's barrier is enough (asymmetric Dekker, as
 * in liburcu's membarrier flavour).
 */
static ALWAYS_INLINE void thread_cache_begin_work(struct thread_cache *cache)
{
	atomic_store_explicit(&cache->working, 1, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
}

static ALWAYS_INLINE void thread_cache_end_work(struct thread_cache *cache)
{
	atomic_store_explicit(&cache->working, 0, memory_order_release);
}

static inline struct thread_cache *thread_cache_of_heap(struct heap *heap)
{
	return (struct thread_cache *)((char *)heap - offsetof(struct thread_cache, heap));
}

/* Makes a zeroed cache the calling thread's, with slabs of the home. */
void thread_cache_init(struct thread_cache *cache, unsigned home);

static inline void thread_cache_set_step(struct thread_cache *cache, size_t step, unsigned bin)
{
	atomic_store_explicit(&cache->bin_of_step[step], (uint8_t)(bin * sizeof(struct bin) / 8),
			      memory_order_relaxed);
}

/* This and the next four are in thread_cache_step.c. Of a class that has one halfway below. */
unsigned thread_cache_step_between(const struct thread_cache *cache, size_t size);

/* The class that serves so many bytes, CLASS_SIZE_MAX at most. */
static inline unsigned thread_cache_step_class(const struct thread_cache *cache, size_t size)
{
	unsigned class = size_class_of(size);

	return likely(size_class_below(class) == CLASS_NONE) ?
		       class :
		       thread_cache_step_between(cache, size);
}

/* After a sample of a class: sizes that lose much in it get the one halfway below. */
void thread_cache_step_look(struct thread_cache *cache, unsigned class);
/* Each step leads to the bin of its class (again). */
void thread_cache_step_open_all(struct thread_cache *cache);
/* The same of the steps that ask for alignment: a slow path, while a bin may hold guests. */
void thread_cache_step_open_aligned(struct thread_cache *cache);

/* Once in so many takes that are told: what the thread owes to others is sent. */
static inline void thread_cache_send_after(struct thread_cache *cache, unsigned takes)
{
	if (cache->outbox.pending && ++cache->refills_since_send >= takes) {
		cache->refills_since_send = 0;
		remote_free_send_all(&cache->outbox);
	}
}

/*
 * What a thread has to do now and then, and before it takes a block of the class past its bin: it
 * sends what it owes, and what others freed comes home, into the bin first.
 */
void thread_cache_tend(struct thread_cache *cache, unsigned class);

/* A block of size bytes for an empty bin, and more behind it; NULL: no memory. */
void *thread_cache_refill(size_t size, struct bin *bin);

/* A block by way of the bin, as the fast path takes it; NULL: no memory. */
static inline void *thread_cache_take(size_t size, struct bin *bin)
{
	void *block = bin_newest(bin);

	if (!block)
		return thread_cache_refill(size, bin);
	bin_drop_newest(bin);
	return block;
}

/*
 * A block on its way out of a cache that the caller works in, past the bins: to its slab, or
 * to the slab's owner. Where there is no memory even for the message, it stays lost.
 */
void thread_cache_put_home(struct thread_cache *cache, void *block);

/* For a block for which the bin has no room: makes some, a few blocks at a time. */
void thread_cache_push_full(struct bin *bin, void *block);

/* Puts in order what whoever seized the cache has left; the caller works in it again. */
void thread_cache_reopen(struct thread_cache *cache);

/* Empties a cache that the caller works in; what is wholly free goes to everybody. */
void thread_cache_flush_bins(struct thread_cache *cache);

/* The same, of own (NULL: none) and of the caches of threads that are gone. */
void thread_cache_flush_all(struct thread_cache *own);

/* What counted bins hold goes into slabs; returns the bytes. Also by who has seized the cache. */
size_t thread_cache_counted_empty(struct thread_cache *cache);

/* In blocks: what a bin may hold before it has shown that it needs more. */
uint32_t thread_cache_first_limit(const struct thread_cache *cache, unsigned class);

/* By so many blocks, within the budgets; false: there is no room in them. */
bool thread_cache_raise_limit(struct thread_cache *cache, unsigned class, uint32_t count);
/* Lowers the limit and what it claims of the budget. The bin's mark is the caller's affair. */
void thread_cache_lower_limit(struct thread_cache *cache, unsigned class, uint32_t limit);

#endif
