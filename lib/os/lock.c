/* SPDX-License-Identifier: MIT */
/*
 * lock.c - see lock.h. The three states are those of Drepper, "Futexes Are Tricky" (2011).
 */
#include <config.h>

#include "os/lock.h"

#include <linux/futex.h>
#include <stdbool.h>
#include <stddef.h>

#include "os/thread.h"
#include "support/system_call.h"

#define SPIN_ROUNDS	400	/* about the longest critical section */
#define YIELD_ROUNDS	64	/* lets a preempted holder run */

/* Written only by the thread that holds every lock; 0 when nobody forks. */
static _Atomic uintptr_t forking_thread;

static void cpu_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield" ::: "memory");
#endif
}

static bool held_by_fork(void)
{
	/* relaxed: only the forking thread itself can read its own identity here */
	return atomic_load_explicit(&forking_thread, memory_order_relaxed) == thread_identity();
}

static bool try_take(struct lock *lock)
{
	uint32_t expected = LOCK_FREE;

	/* acquire: pairs with the release in lock_put */
	return atomic_load_explicit(&lock->state, memory_order_relaxed) == LOCK_FREE &&
	       atomic_compare_exchange_strong_explicit(&lock->state, &expected, LOCK_HELD,
						       memory_order_acquire,
						       memory_order_relaxed);
}

static void take_slowly(struct lock *lock)
{
	unsigned round;

	for (round = 0; round < SPIN_ROUNDS + YIELD_ROUNDS; round++) {
		if (round < SPIN_ROUNDS)
			cpu_relax();
		else
			system_call(SYS_sched_yield);
		if (try_take(lock))
			return;
	}
	/* acquire: pairs with the release in lock_put */
	while (atomic_exchange_explicit(&lock->state, LOCK_WAITED, memory_order_acquire) !=
	       LOCK_FREE)
		system_call(SYS_futex, &lock->state, FUTEX_WAIT_PRIVATE, LOCK_WAITED, NULL, NULL, 0);
}

void lock_take(struct lock *lock)
{
	if (!held_by_fork() && !try_take(lock))
		take_slowly(lock);
}

void lock_put(struct lock *lock)
{
	if (held_by_fork())
		return;
	/* release: pairs with the acquire in try_take and take_slowly */
	if (atomic_exchange_explicit(&lock->state, LOCK_FREE, memory_order_release) !=
	    LOCK_WAITED)
		return;
	system_call(SYS_futex, &lock->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void lock_fork_begin(void)
{
	atomic_store_explicit(&forking_thread, thread_identity(), memory_order_relaxed);
}

void lock_fork_end(void)
{
	atomic_store_explicit(&forking_thread, 0, memory_order_relaxed);
}
