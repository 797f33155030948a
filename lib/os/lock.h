/* SPDX-License-Identifier: MIT */
/*
 * lock.h - a small mutual exclusion lock for application threads.
 *
 * Who may run with whom: any thread may take any lock; no lock is held across a system call
 * or a touch of heap memory, so a holder is always about to leave. A waiter therefore spins,
 * then yields, and only then sleeps on a futex: a process whose threads have forbidden
 * themselves futex(2) does not meet it unless a holder was off the CPU for long.
 *
 * Order: start, then heap list, superslab, large, reservation. A fork takes all of them:
 * lock_fork.h.
 */
#ifndef HAKMEM_OS_LOCK_H
#define HAKMEM_OS_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct lock {
	/* The holder's thread_identity(), and LOCK_WAITED; 0: free. */
	_Atomic uintptr_t owner;
	/* The fork that it goes back to; 0: nobody. Written by who has the lock; relaxed. */
	_Atomic uintptr_t lender;
};

#define LOCK_WAITED	((uintptr_t)1)	/* an identity is a multiple of more */

void lock_take(struct lock *lock);
void lock_put(struct lock *lock);

/* The order in which locks are taken, of all there are; before there is a second thread. */
void lock_set_order(struct lock *const locks[], unsigned count);

/* The calling thread holds it. */
bool lock_is_own(const struct lock *lock);
/* Waits for a tenth of a second at most. */
bool lock_take_patiently(struct lock *lock);
/*
 * All that are known and not held by the caller, patiently: nobody else is in the middle of
 * anything then. A bit of *taken each. False: one cannot be had, and none was taken.
 */
bool lock_take_all(uint32_t *taken);
void lock_put_all(uint32_t taken);
/* A child's: whoever held it is not there. */
void lock_reset(struct lock *lock);

#endif
