/* SPDX-License-Identifier: MIT */
/*
 * thread_cache.h - one thread's free blocks: a list ("bin") a size class, across slabs.
 *
 * Who may run with whom: only the thread itself, without lock or atomic read-modify-write.
 * Other threads read owners[] alone, to learn that a block is not theirs. While a cache has
 * no thread, whoever adopted its heap has it.
 */
#ifndef HAKMEM_FRONT_THREAD_CACHE_H
#define HAKMEM_FRONT_THREAD_CACHE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "middle/asked_sample.h"
#include "middle/heap.h"
#include "middle/remote_free.h"
#include "os/thread.h"
#include "support/compiler.h"
#include "support/size_class.h"

/* blocks in the list + room = limit; the list is linked through the blocks' first words. */
struct bin {
	void *head;
	int32_t room;		/* below 0: flush */
	uint32_t limit;
};

/* Lies a constant distance behind its bin, on lines that are read by all and seldom written. */
struct bin_owner {
	_Atomic uintptr_t thread;	/* thread_identity(), 0: nobody */
	struct thread_cache *cache;
};

#define SIZE_STEPS	(SMALL_SIZE_LIMIT / 16 + 1)

struct thread_cache {
	struct bin bins[CLASS_COUNT] CACHE_ALIGNED;
	struct bin_owner owners[CLASS_COUNT] CACHE_ALIGNED;
	/* By size in 16 B steps: where its bin is, in 8 B from the start of this struct. */
	uint8_t bin_of_step[SIZE_STEPS];
	uint8_t flushes[CLASS_COUNT];	/* in a row: since the bin was last refilled */
	uint32_t flushed[CLASS_COUNT];	/* blocks flushed and not yet asked for again */
	struct asked_sampling sampling;
	uint32_t refills_since_send;
	struct remote_outbox outbox;
	struct heap heap;
};

_Static_assert(sizeof(struct bin) == HEAP_BIN_BYTES, "heap.c enters bins into bin_of_unit");
_Static_assert(sizeof(struct bin_owner) == sizeof(struct bin), "a bin's owner is at its index");
_Static_assert(offsetof(struct thread_cache, bins) == 0, "bin_of_step counts from the start");
_Static_assert(CLASS_COUNT * sizeof(struct bin) / 8 <= UINT8_MAX, "bin_of_step is a byte");

/*
 * Zero until the thread's first slow path: every size is at or above the limit then, so the
 * fast path needs no check of its own. Initial-exec: one load, and never an allocation; its
 * 24 bytes fit the surplus of static TLS.
 */
struct thread_cache_tls {
	struct thread_cache *cache;
	size_t small_size_limit;	/* SMALL_SIZE_LIMIT, or 0: no cache */
	bool leaving;			/* its exit has been noticed: a cache is for one call */
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

static inline uint32_t thread_cache_bin_count(const struct bin *bin)
{
	return bin->limit - (uint32_t)bin->room;
}

/*
 * Makes sure that the thread has a cache until thread_cache_leave; false: no memory. The
 * thread keeps it for its next calls, unless its exit has been noticed: nobody would tell us
 * again that it is gone.
 */
bool thread_cache_enter(void);

void thread_cache_leave_slow(void);

static inline void thread_cache_leave(void)
{
	if (unlikely(thread_cache_tls.leaving))
		thread_cache_leave_slow();
}

/* A block of size bytes for an empty bin, and more behind it; NULL: no memory. */
void *thread_cache_refill(size_t size, struct bin *bin);

/* The newest block of a bin that has one. */
static ALWAYS_INLINE void *thread_cache_pop(struct bin *bin)
{
	void *block = bin->head;

	bin->head = *(void **)block;
	bin->room++;
	return block;
}

/* A block by way of the bin, as the fast path takes it; NULL: no memory. */
static inline void *thread_cache_take(size_t size, struct bin *bin)
{
	return bin->head ? thread_cache_pop(bin) : thread_cache_refill(size, bin);
}

/* Adds a block that the bin need not have room for. */
static ALWAYS_INLINE void thread_cache_push(struct bin *bin, void *block)
{
	*(void **)block = bin->head;
	bin->head = block;
	bin->room--;
}

/* Halves a bin whose room is used up; its newest block stays. */
void thread_cache_flush(struct bin *bin);

/* Empties the calling thread's cache, those of threads that are gone, and their kept slabs. */
void thread_cache_flush_all(void);

/* In a fork's child: the other threads are gone. */
void thread_cache_after_fork_in_child(void);

#endif
