/* SPDX-License-Identifier: MIT */
/*
 * lock_fork.h - all locks, for the time of a fork, so that what they guard is whole in the child.
 *
 * Who may run with whom: any thread may fork at any time, in a signal handler, too. If that
 * interrupted the thread while it held a lock, the lock stays its own, in parent and child, until
 * the interrupted code puts it; others that cannot be had then are left alone.
 */
#ifndef HAKMEM_OS_LOCK_FORK_H
#define HAKMEM_OS_LOCK_FORK_H

#include <stdbool.h>

#include "os/lock.h"

/*
 * Other libraries' fork handlers may run before the end, and allocate: to the forking thread
 * lock_take() and lock_put() are nothing meanwhile.
 *
 * The C library takes locks of its own after the last fork handler. A thread that holds one of them
 * and waits for ours would keep the fork from going on. Therefore a waiter who has waited for a
 * second borrows the lock from a fork that sleeps; those who come later do so at once.
 */
void lock_fork_begin(struct lock *const locks[], unsigned count);
/* In the parent. */
void lock_fork_end(struct lock *const locks[], unsigned count);

/*
 * In the child, first: bit i says that what locks[i] guards is whole, nobody in the middle of it.
 */
unsigned lock_fork_look_in_child(struct lock *const locks[], unsigned count);
/* Then. */
void lock_fork_end_in_child(struct lock *const locks[], unsigned count);

#endif
