/* SPDX-License-Identifier: MIT */
/*
 * fork_state.h - whether a thread forks, and which, for lock.c and lock_fork.c.
 *
 * Who may run with whom: one thread at a time writes, with the turn of lock_fork.c; anyone reads.
 */
#ifndef HAKMEM_OS_FORK_STATE_H
#define HAKMEM_OS_FORK_STATE_H

#include <stdbool.h>
#include <stdint.h>

/* The thread_identity() of who forks and has all locks; 0: nobody. */
uintptr_t fork_state_thread(void);
void fork_state_set_thread(uintptr_t thread);

/* The calling thread is about to be it. */
void fork_state_begin(void);

/* The program has forked, or is a child of one that did: by the C library, that is by clone(2). */
bool fork_state_has_forked(void);

/* The calling thread is it. */
bool fork_state_is_own(void);

/*
 * The owner of a lock is it, and sleeps itself: somebody who has slept so often, ten milliseconds
 * each, may borrow the lock. After the first of a fork the others need not sleep.
 */
bool fork_state_lends(uintptr_t owner, unsigned sleeps);

#endif
