/* SPDX-License-Identifier: MIT */
/*
 * The helper's sleep, on its io_uring where the kernel allows one that can wait for a
 * word of memory (6.7), else on the word alone. Called by the helper; rung by application
 * threads. The ring takes no SQPOLL thread: a child's requests would run on our memory.
 */
#include <config.h>

#include "kmod-free-helpers/event_loop.h"

#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "kmod-free-helpers/kernel_abi.h"
#include "kmod-free-helpers/ring_calls.h"
#include "support/system_call.h"

#define RING_ENTRIES  32
#define NS_PER_SECOND 1000000000ull
#define DOORBELL_TAG  EVENT_LOOP_MOST_WATCHED

/* The bell's flag is cleared by whoever rings, so that ten threads make one call. */
void event_loop_ring(struct event_doorbell *doorbell)
{
	if (!atomic_load_explicit(&doorbell->sleeps_long, memory_order_relaxed))
		return;
	/* seq_cst, both: pairs with event_loop_wait, whose order is flag, then word */
	if (!atomic_exchange(&doorbell->sleeps_long, false))
		return;
	event_loop_ring_always(doorbell);
}

void event_loop_ring_always(struct event_doorbell *doorbell)
{
	atomic_fetch_add(&doorbell->rings, 1);
	system_call(SYS_futex, &doorbell->rings, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* As liburing's prep functions do, which know this request only in later releases. */
static void prepare_word(struct io_uring_sqe *sqe, const struct event_loop *loop)
{
	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = KERNEL_ABI_RING_FUTEX_WAIT;
	sqe->fd = KERNEL_ABI_FUTEX2_SIZE_U32 | KERNEL_ABI_FUTEX2_PRIVATE;
	sqe->addr = (uintptr_t)&loop->doorbell->rings;
	sqe->off = loop->rings_seen;
	sqe->addr3 = FUTEX_BITSET_MATCH_ANY;
	sqe->user_data = DOORBELL_TAG;
}

/* More entries than waits, so none is ever refused; were one, it is queued next time. */
static void queue_word(struct event_loop *loop)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&loop->ring);

	if (!sqe)
		return;
	prepare_word(sqe, loop);
	loop->word_is_queued = true;
}

static void queue_poll(struct event_loop *loop, unsigned int i)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&loop->ring);

	if (!sqe)
		return;
	io_uring_prep_poll_add(sqe, loop->watched[i], POLLIN);
	sqe->user_data = i;
	loop->queued |= 1u << i;
}

/* Waits that ended are queued again; the others still stand. */
static void queue_waits(struct event_loop *loop)
{
	if (!loop->word_is_queued)
		queue_word(loop);
	for (unsigned int i = 0; i < loop->watched_count; i++)
		if (!(loop->queued & 1u << i))
			queue_poll(loop, i);
}

static uint32_t event_loop_collect(struct event_loop *loop)
{
	struct io_uring_cqe *cqe;
	uint32_t happened = 0;

	while (!io_uring_peek_cqe(&loop->ring, &cqe)) {
		unsigned int tag = (unsigned int)cqe->user_data;

		if (tag == DOORBELL_TAG) {
			loop->word_is_queued = false;
			happened |= EVENT_LOOP_DOORBELL;
		} else if (tag < loop->watched_count) {
			loop->queued &= ~(1u << tag);
			happened |= 1u << tag;
		}
		io_uring_cqe_seen(&loop->ring, cqe);
	}
	return happened;
}

static uint32_t wait_on_ring(struct event_loop *loop, uint64_t sleep_ns)
{
	struct __kernel_timespec time = {
		.tv_sec = (long long)(sleep_ns / NS_PER_SECOND),
		.tv_nsec = (long long)(sleep_ns % NS_PER_SECOND),
	};
	struct io_uring_cqe *cqe;

	queue_waits(loop);
	io_uring_submit_and_wait_timeout(&loop->ring, &cqe, 1, &time, NULL);
	return event_loop_collect(loop);
}

static uint32_t poll_watched(const struct event_loop *loop)
{
	struct pollfd pollers[EVENT_LOOP_MOST_WATCHED];
	struct timespec none = { 0, 0 };
	uint32_t happened = 0;

	for (unsigned int i = 0; i < loop->watched_count; i++)
		pollers[i] = (struct pollfd){ .fd = loop->watched[i], .events = POLLIN };
	if (!loop->watched_count ||
	    system_call(SYS_ppoll, pollers, (unsigned long)loop->watched_count, &none, NULL, 8ul) <=
		    0)
		return 0;
	for (unsigned int i = 0; i < loop->watched_count; i++)
		if (pollers[i].revents)
			happened |= 1u << i;
	return happened;
}

static uint32_t wait_on_word(struct event_loop *loop, uint64_t sleep_ns)
{
	struct timespec time = {
		.tv_sec = (time_t)(sleep_ns / NS_PER_SECOND),
		.tv_nsec = (long)(sleep_ns % NS_PER_SECOND),
	};
	long woken = system_call(SYS_futex, &loop->doorbell->rings, FUTEX_WAIT_PRIVATE,
			     loop->rings_seen, &time, NULL, 0);
	uint32_t happened = poll_watched(loop);

	/* Changed before we slept is as good as woken. */
	if (!woken || woken == -EAGAIN)
		happened |= EVENT_LOOP_DOORBELL;
	return happened;
}

uint32_t event_loop_wait(struct event_loop *loop, uint64_t sleep_ns, uint64_t is_long_ns)
{
	uint32_t happened, rings;

	atomic_store(&loop->doorbell->sleeps_long, sleep_ns >= is_long_ns);
	happened = loop->has_ring ? wait_on_ring(loop, sleep_ns) :
				    wait_on_word(loop, sleep_ns);
	atomic_store(&loop->doorbell->sleeps_long, false);
	rings = atomic_load(&loop->doorbell->rings);
	if (rings == loop->rings_seen)
		return happened & ~EVENT_LOOP_DOORBELL;
	loop->rings_seen = rings;
	return happened | EVENT_LOOP_DOORBELL;
}

/* A kernel before 6.7 knows no such request and says so when asked. */
static bool ring_can_wait_for_word(struct io_uring *ring)
{
	struct io_uring_probe *probe = NULL;
	char room[sizeof(*probe) + 256 * sizeof(probe->ops[0])]
		__attribute__((aligned(8))) = { 0 };

	probe = (struct io_uring_probe *)room;
	if (io_uring_register_probe(ring, probe, 256) < 0)
		return false;
	return KERNEL_ABI_RING_FUTEX_WAIT < probe->ops_len &&
	       probe->ops[KERNEL_ABI_RING_FUTEX_WAIT].flags & IO_URING_OP_SUPPORTED;
}

static int open_ring(struct event_loop *loop)
{
	int error = ring_calls_allowed();

	if (!error)
		error = io_uring_queue_init(RING_ENTRIES, &loop->ring, IORING_SETUP_CLAMP);
	if (error)
		return error;
	if (ring_can_wait_for_word(&loop->ring)) {
		/* A child's use of inherited ring memory would be a request of ours. */
		error = io_uring_ring_dontfork(&loop->ring);
		if (!error)
			return 0;
	} else {
		error = -EOPNOTSUPP;
	}
	io_uring_queue_exit(&loop->ring);
	return error;
}

void event_loop_open(struct event_loop *loop, struct event_doorbell *doorbell,
		     bool use_ring)
{
	*loop = (struct event_loop){ .doorbell = doorbell };
	loop->rings_seen = atomic_load(&doorbell->rings);
	loop->ring_error = use_ring ? open_ring(loop) : -ECANCELED;
	loop->has_ring = !loop->ring_error;
}

const char *event_loop_why_no_ring(const struct event_loop *loop)
{
	switch (loop->ring_error) {
	case -EPERM:
		return "kernel.io_uring_disabled, or a seccomp filter (Docker's default one)";
	case -ENOSYS:
		return "the kernel has none, or a seccomp filter hides it";
	case -ENOPKG:
		return "hakmem was built without liburing 2.3 or newer";
	case -EOPNOTSUPP:
		return "it cannot wait for a word of memory (before Linux 6.7)";
	case -ENOMEM:
		return "RLIMIT_MEMLOCK is used up";
	case -ECANCELED:
		return "a seccomp filter is in force, which might kill";
	default:
		return "the kernel refuses it";
	}
}

int event_loop_watch(struct event_loop *loop, int descriptor)
{
	if (loop->watched_count == EVENT_LOOP_MOST_WATCHED)
		return -ENOSPC;
	loop->watched[loop->watched_count] = descriptor;
	return (int)(1u << loop->watched_count++);
}
