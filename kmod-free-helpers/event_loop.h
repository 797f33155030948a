/* SPDX-License-Identifier: MIT */
/*
 * What the helper sleeps on: a clock, a doorbell word in memory that application threads
 * ring without any descriptor, and descriptors of its own (strays, releases).
 * Who may run with whom: one thread, the helper, in everything but event_loop_ring.
 *
 *   event_loop_open, _close, _watch, _wait    the helper
 *   event_loop_ring_always                    any thread
 *   event_loop_ring                           any thread; a system call only if the
 *                                             helper sleeps long: one a long sleep
 */
#ifndef HAKMEM_EVENT_LOOP_H
#define HAKMEM_EVENT_LOOP_H

#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>

#define EVENT_LOOP_MOST_WATCHED 8
#define EVENT_LOOP_DOORBELL	(1u << 31)

/* In the application's memory: all that it ever touches of the helper's loop. */
struct event_doorbell {
	_Atomic uint32_t rings;
	_Atomic bool sleeps_long; /* helper writes; a ringer clears it first */
};

/*
 * Without a ring (refused, or before 6.7, which cannot wait for a word) it waits for the
 * word and the clock alone, and descriptors are looked at whenever that ends: later, at
 * most by one sleep.
 */
struct event_loop {
	struct event_doorbell *doorbell;
	struct io_uring ring;
	bool has_ring;
	bool word_is_queued; /* the ring waits for the doorbell already */
	int ring_error;	     /* -errno: why there is no ring */
	unsigned int watched_count;
	int watched[EVENT_LOOP_MOST_WATCHED];
	uint32_t queued; /* bit i: the ring polls watched[i] already */
	uint32_t rings_seen;
};

/* Never fails: at worst it has no ring. use_ring false: do not even try. */
void event_loop_open(struct event_loop *loop, struct event_doorbell *doorbell,
		     bool use_ring);

/* Returns the bit that _wait gives for it, or -ENOSPC. */
int event_loop_watch(struct event_loop *loop, int descriptor);

/*
 * Returns when something happened or the time is over, with a bit for each descriptor
 * that can be read and EVENT_LOOP_DOORBELL. Only a sleep of is_long_ns or more is rung.
 */
uint32_t event_loop_wait(struct event_loop *loop, uint64_t sleep_ns, uint64_t is_long_ns);

void event_loop_ring(struct event_doorbell *doorbell);

/* Whatever it sleeps for, or is about to. */
void event_loop_ring_always(struct event_doorbell *doorbell);

/* One line, no newline; for a loop that has none. */
const char *event_loop_why_no_ring(const struct event_loop *loop);

#endif
