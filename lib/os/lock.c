/* SPDX-License-Identifier: MIT */
/*
 * lock.c - see lock.h. Free, held and waited for are the three states of Drepper, "Futexes Are
 * Tricky" (2011); the futex is the word's lower half.
 */
#include <config.h>

#include "os/lock.h"

#include <linux/futex.h>
#include <stddef.h>
#include <time.h>

#include "os/fork_state.h"
#include "os/thread.h"
#include "support/invariant.h"
#include "support/log.h"
#include "support/system_call.h"

#define SPIN_ROUNDS	400	/* about the longest critical section */
#define YIELD_ROUNDS	64	/* lets a preempted holder run */
#define PATIENT_ROUNDS	100
#define ROUND_NS	1000000
#define SLEEP_NS	10000000

/* Written before there is a second thread. */
static struct lock *const *order;
static unsigned order_count;

static void cpu_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield" ::: "memory");
#endif
}

static uint32_t *futex_of(struct lock *lock)
{
	return (uint32_t *)&lock->owner + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
}

static bool try_take(struct lock *lock, uintptr_t as)
{
	uintptr_t expected = 0;

	/* acquire: pairs with the release in lock_put */
	return atomic_load_explicit(&lock->owner, memory_order_relaxed) == 0 &&
	       atomic_compare_exchange_strong_explicit(&lock->owner, &expected, as,
						       memory_order_acquire,
						       memory_order_relaxed);
}

bool lock_is_own(const struct lock *lock)
{
	/* relaxed: a thread compares with itself only */
	return (atomic_load_explicit(&lock->owner, memory_order_relaxed) & ~LOCK_WAITED) ==
	       thread_identity();
}

/* Spinning, then letting others run. */
static bool take_soon(struct lock *lock)
{
	unsigned round;

	for (round = 0; round < SPIN_ROUNDS + YIELD_ROUNDS; round++) {
		if (round < SPIN_ROUNDS)
			cpu_relax();
		else
			thread_yield();
		if (try_take(lock, thread_identity()))
			return true;
	}
	return false;
}

/* From a fork that will not go on without us; lock_put gives it back. */
static bool lock_borrow(struct lock *lock, uintptr_t owner)
{
	/* acquire: pairs with the release in lock_put, of who had it last, through the fork */
	if (!atomic_compare_exchange_strong_explicit(&lock->owner, &owner,
						     thread_identity() | LOCK_WAITED,
						     memory_order_acquire, memory_order_relaxed))
		return false;
	atomic_store_explicit(&lock->lender, owner, memory_order_relaxed);
	return true;
}

/* True: the lock was free, or lent. Otherwise it is marked, and the thread has slept a while. */
static bool take_or_sleep(struct lock *lock, unsigned round)
{
	static const struct timespec timeout = { .tv_nsec = SLEEP_NS };
	uintptr_t owner = atomic_load_explicit(&lock->owner, memory_order_relaxed);

	if (owner == 0)
		return try_take(lock, thread_identity() | LOCK_WAITED);
	if (fork_state_lends(owner & ~LOCK_WAITED, round))
		return lock_borrow(lock, owner);
	if (owner & LOCK_WAITED ||
	    atomic_compare_exchange_strong_explicit(&lock->owner, &owner, owner | LOCK_WAITED,
						    memory_order_relaxed, memory_order_relaxed))
		system_call(SYS_futex, futex_of(lock), FUTEX_WAIT_PRIVATE,
			    (uint32_t)(owner | LOCK_WAITED), &timeout, NULL, 0);
	return false;
}

static void take_slowly(struct lock *lock)
{
	unsigned round;

	if (take_soon(lock))
		return;
	/* It interrupted itself, and waits for itself. */
	if (lock_is_own(lock))
		log_fatal("malloc or free while the same thread is in the middle of one "
			  "(a signal handler, or a longjmp out of one?)");
	for (round = 0; !take_or_sleep(lock, round); round++)
		;
}

/* The calling thread forks and has it, or will when who has borrowed it is ready. */
static bool is_forks_own(const struct lock *lock)
{
	if (!fork_state_is_own())
		return false;
	while (atomic_load_explicit(&lock->lender, memory_order_relaxed))
		thread_yield();
	return true;
}

void lock_set_order(struct lock *const locks[], unsigned count)
{
	order = locks;
	order_count = count;
}

/* None that comes behind it is held. The one of forks comes before all. */
static bool is_in_order(const struct lock *lock)
{
	unsigned i = 0;

	while (i < order_count && order[i] != lock)
		i++;
	for (i++; i < order_count; i++)
		if (lock_is_own(order[i]))
			return false;
	return true;
}

void lock_take(struct lock *lock)
{
	INVARIANT(fork_state_is_own() || is_in_order(lock));
	if (!is_forks_own(lock) && !try_take(lock, thread_identity()))
		take_slowly(lock);
}

void lock_put(struct lock *lock)
{
	uintptr_t lender;

	if (is_forks_own(lock))
		return;
	lender = atomic_load_explicit(&lock->lender, memory_order_relaxed);
	if (lender)
		atomic_store_explicit(&lock->lender, 0, memory_order_relaxed);
	/* release: pairs with the acquire in try_take and borrow */
	if (!(atomic_exchange_explicit(&lock->owner, lender, memory_order_release) & LOCK_WAITED))
		return;
	system_call(SYS_futex, futex_of(lock), FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

bool lock_take_patiently(struct lock *lock)
{
	unsigned round;

	for (round = 0; round < PATIENT_ROUNDS; round++) {
		if (try_take(lock, thread_identity()) || take_soon(lock))
			return true;
		thread_nap(ROUND_NS);
	}
	return false;
}

void lock_put_all(uint32_t taken)
{
	unsigned i;

	for (i = order_count; i-- > 0;)
		if (taken >> i & 1)
			lock_put(order[i]);
}

bool lock_take_all(uint32_t *taken)
{
	unsigned i;

	*taken = 0;
	for (i = 0; i < order_count; i++) {
		if (lock_is_own(order[i]))
			continue;
		if (!lock_take_patiently(order[i])) {
			lock_put_all(*taken);
			return false;
		}
		*taken |= (uint32_t)1 << i;
	}
	return true;
}

void lock_reset(struct lock *lock)
{
	atomic_store_explicit(&lock->lender, 0, memory_order_relaxed);
	atomic_store_explicit(&lock->owner, 0, memory_order_relaxed);
}
