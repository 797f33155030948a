/* SPDX-License-Identifier: MIT */
/*
 * Advice to the kernel about many ranges, given by kernel workers while the caller does
 * something else: batches of IORING_OP_MADVISE on a ring of their own. Called by
 * release*, by one thread. No SQPOLL, and nothing of the ring is in a fork's child:
 * a request of a child's would run on our memory.
 *
 *   queue ... queue, submit ──► workers ──► collect ... collect
 */
#ifndef HAKMEM_MADVISE_RING_H
#define HAKMEM_MADVISE_RING_H

#include <liburing.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MADVISE_RING_ENTRIES 16

/*
 * in_flight = queued + accepted by the kernel + refused <= MADVISE_RING_ENTRIES, so that no
 * completion is ever lost. A refused one is collected like those that were done.
 */
struct madvise_ring {
	struct io_uring ring;
	unsigned int in_flight;
	unsigned int queued_count, refused_count;
	struct io_uring_sqe *queued[MADVISE_RING_ENTRIES]; /* oldest first */
	uint32_t refused[MADVISE_RING_ENTRIES];		   /* tags */
	int refusal; /* -errno of the submission that failed: nothing is queued any more */
	bool is_open;
};

/* What became of a range: 0, or -errno (-ECANCELED: no worker could be started). */
struct madvise_done {
	uint32_t tag;
	int error;
};

/* Returns 0, or -errno: why there is none. */
int madvise_ring_open(struct madvise_ring *ring);

/* False: it is full, collect first. bytes: less than 4 GiB. */
bool madvise_ring_queue(struct madvise_ring *ring, void *start, size_t bytes, int advice,
			uint32_t tag);
/*
 * Returns 0 or -errno. Busy for the moment: what was not accepted stays queued. Anything
 * else is for good: what was not accepted is refused.
 */
int madvise_ring_submit(struct madvise_ring *ring);
/* False: nothing is done just now. Never waits. */
bool madvise_ring_collect(struct madvise_ring *ring, struct madvise_done *done);

#endif
