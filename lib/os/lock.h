/* SPDX-License-Identifier: MIT */
/*
 * lock.h - a small mutual exclusion lock for application threads.
 *
 * Who may run with whom: any thread may take any lock; no lock is held across a system call
 * or a touch of heap memory, so a holder is always about to leave. A waiter therefore spins,
 * then yields, and only then sleeps on a futex: a process whose threads have forbidden
 * themselves futex(2) does not meet it unless a holder was off the CPU for long.
 *
 * Order: heap list, then superslab, large, reservation. fork() takes all of them in that order
 * and may then allocate in other libraries' fork handlers, so the forking thread owns
 * them recursively (lock_fork_begin, lock_fork_end).
 */
#ifndef HAKMEM_OS_LOCK_H
#define HAKMEM_OS_LOCK_H

#include <stdatomic.h>
#include <stdint.h>

struct lock {
	_Atomic uint32_t state;	/* LOCK_FREE, LOCK_HELD or LOCK_WAITED */
};

enum { LOCK_FREE, LOCK_HELD, LOCK_WAITED };

void lock_take(struct lock *lock);
void lock_put(struct lock *lock);

/* The calling thread has all locks, and lock_take() and lock_put() are nothing to it. */
void lock_fork_begin(void);
/* The inverse, in the parent and in the child. */
void lock_fork_end(void);

#endif
