/* SPDX-License-Identifier: MIT */
/*
 * See madvise_ring.h. The kernel never runs this request within the submitting call: each
 * goes to a worker, which it starts when there is none.
 */
#include <config.h>

#include "kmod-free-helpers/madvise_ring.h"

#include <errno.h>
#include <string.h>

#include "kmod-free-helpers/ring_calls.h"
#include "support/page_size.h"

#define WORKERS_MOST 1 /* of each of the kernel's two kinds; more would fight for the page tables */
#define OPS_PROBED   64
/* What is done waits for us to look; else each request would wake us, to end it. */
#define QUIET_FLAGS  (IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | \
		      IORING_SETUP_TASKRUN_FLAG)
#define TAG_REFUSED  UINT64_MAX /* an entry that was made harmless */

static bool knows_madvise(struct io_uring *ring)
{
	struct io_uring_probe *probe;
	char room[sizeof(*probe) + OPS_PROBED * sizeof(probe->ops[0])]
		__attribute__((aligned(8))) = { 0 };

	probe = (struct io_uring_probe *)room;
	if (io_uring_register_probe(ring, probe, OPS_PROBED) < 0)
		return false;
	return IORING_OP_MADVISE < probe->ops_len &&
	       probe->ops[IORING_OP_MADVISE].flags & IO_URING_OP_SUPPORTED;
}

static int madvise_ring_prepare(struct io_uring *ring)
{
	unsigned int workers[2] = { WORKERS_MOST, WORKERS_MOST };
	int error;

	if (!knows_madvise(ring))
		return -EOPNOTSUPP;
	error = io_uring_ring_dontfork(ring);
	if (error)
		return error;
	/* 5.15. Before that the kernel may start as many as there are processors. */
	io_uring_register_iowq_max_workers(ring, workers);
	return 0;
}

static int set_up(struct io_uring *ring, unsigned int flags)
{
	return io_uring_queue_init(MADVISE_RING_ENTRIES, ring, IORING_SETUP_CLAMP | flags);
}

int madvise_ring_open(struct madvise_ring *ring)
{
	int error;

	memset(ring, 0, sizeof(*ring));
	error = ring_calls_allowed();
	if (error)
		return error;
	error = set_up(&ring->ring, QUIET_FLAGS);
	if (error == -EINVAL) /* before 6.1 */
		error = set_up(&ring->ring, 0);
	if (error)
		return error;
	error = madvise_ring_prepare(&ring->ring);
	if (error)
		io_uring_queue_exit(&ring->ring);
	ring->is_open = !error;
	return error;
}

bool madvise_ring_queue(struct madvise_ring *ring, void *start, size_t bytes, int advice,
			uint32_t tag)
{
	struct io_uring_sqe *sqe;

	if (!ring->is_open || ring->refusal || ring->in_flight == MADVISE_RING_ENTRIES)
		return false;
	/* A request's length has 32 bits. */
	if (!page_size_divides(start, bytes) || bytes > UINT32_MAX)
		return false;
	sqe = io_uring_get_sqe(&ring->ring);
	if (!sqe)
		return false;
	io_uring_prep_madvise(sqe, start, (uint32_t)bytes, advice);
	sqe->user_data = tag;
	ring->queued[ring->queued_count++] = sqe;
	ring->in_flight++;
	return true;
}

/* The entries are in the ring and may yet be taken from there: they ask for nothing then. */
static void refuse_queued(struct madvise_ring *ring, int error)
{
	for (unsigned int i = 0; i < ring->queued_count; i++) {
		struct io_uring_sqe *sqe = ring->queued[i];

		ring->refused[ring->refused_count++] = (uint32_t)sqe->user_data;
		io_uring_prep_nop(sqe);
		sqe->user_data = TAG_REFUSED;
	}
	ring->queued_count = 0;
	ring->refusal = error;
}

int madvise_ring_submit(struct madvise_ring *ring)
{
	int submitted;

	if (!ring->queued_count)
		return 0;
	submitted = io_uring_submit(&ring->ring);
	if (submitted < 0) {
		if (submitted != -EAGAIN && submitted != -EBUSY && submitted != -EINTR)
			refuse_queued(ring, submitted);
		return submitted;
	}
	ring->queued_count -= (unsigned int)submitted;
	memmove(ring->queued, ring->queued + submitted,
		ring->queued_count * sizeof(ring->queued[0]));
	return 0;
}

static bool collect_refused(struct madvise_ring *ring, struct madvise_done *done)
{
	if (!ring->refused_count)
		return false;
	*done = (struct madvise_done){ ring->refused[--ring->refused_count], ring->refusal };
	ring->in_flight--;
	return true;
}

bool madvise_ring_collect(struct madvise_ring *ring, struct madvise_done *done)
{
	struct io_uring_cqe *cqe;

	if (collect_refused(ring, done))
		return true;
	while (ring->in_flight && !io_uring_peek_cqe(&ring->ring, &cqe)) {
		bool asked = cqe->user_data != TAG_REFUSED;

		*done = (struct madvise_done){ (uint32_t)cqe->user_data, cqe->res };
		io_uring_cqe_seen(&ring->ring, cqe);
		if (!asked)
			continue;
		ring->in_flight--;
		return true;
	}
	return false;
}
