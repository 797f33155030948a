/* SPDX-License-Identifier: MIT */
/*
 * lock_fork.c - see lock_fork.h.
 *
 * A fork in a signal handler may interrupt any of these functions, or the fork around them. What
 * it takes and puts is noted one level deeper, and the outer one finds everything as it was.
 */
#include <config.h>

#include "os/lock_fork.h"

#include <stddef.h>

#include "os/fork_state.h"
#include "os/thread.h"
#include "support/log.h"

#define LEVELS		4

struct level {
	unsigned taken;		/* bit i: locks[i] was taken here */
	bool is_inner;		/* turn was held already */
	uintptr_t outer;	/* fork_state_thread() before */
};

/* Held while a thread forks. */
static struct lock turn;
static struct level levels[LEVELS];	/* by turn */
static unsigned depth;			/* by turn */

/* A borrower is in the middle of it for a moment. */
static void wait_for_return(const struct lock *lock)
{
	while (atomic_load_explicit(&lock->lender, memory_order_relaxed) || !lock_is_own(lock))
		thread_yield();
}

static bool owns_any(struct lock *const locks[], unsigned count)
{
	unsigned i;

	for (i = 0; i < count; i++)
		if (lock_is_own(locks[i]))
			return true;
	return false;
}

static bool lock_fork_take(struct lock *lock, bool patiently)
{
	if (patiently)
		return lock_take_patiently(lock);
	lock_take(lock);
	return true;
}

/* What interrupted code holds may keep others from putting what we want. */
static unsigned take_all(struct lock *const locks[], unsigned count, bool patiently)
{
	unsigned i, taken = 0;

	for (i = 0; i < count; i++)
		if (!lock_is_own(locks[i]) && lock_fork_take(locks[i], patiently))
			taken |= 1u << i;
	return taken;
}

void lock_fork_begin(struct lock *const locks[], unsigned count)
{
	bool is_inner = lock_is_own(&turn), patiently = is_inner || owns_any(locks, count);
	struct level *level;

	if (!is_inner && !lock_fork_take(&turn, patiently))
		return;
	if (depth == LEVELS)
		log_fatal("fork in a signal handler that interrupted fork, %u times", LEVELS);
	level = &levels[depth];
	*level = (struct level){ .is_inner = is_inner };
	level->outer = fork_state_thread();
	if (!level->outer)
		level->taken = take_all(locks, count, patiently);
	depth++;
	fork_state_begin();
}

void lock_fork_end(struct lock *const locks[], unsigned count)
{
	struct level level;
	unsigned i;

	if (!lock_is_own(&turn))
		return;
	level = levels[--depth];
	fork_state_set_thread(level.outer);
	for (i = count; i-- > 0;) {
		if (!(level.taken & 1u << i))
			continue;
		wait_for_return(locks[i]);
		lock_put(locks[i]);
	}
	if (!level.is_inner)
		lock_put(&turn);
}

unsigned lock_fork_look_in_child(struct lock *const locks[], unsigned count)
{
	unsigned i, whole = 0;

	if (!lock_is_own(&turn))
		return 0;
	for (i = 0; i < depth; i++)
		whole |= levels[i].taken;
	for (i = 0; i < count; i++)
		if (!lock_is_own(locks[i]))
			whole &= ~(1u << i);
	return whole;
}

void lock_fork_end_in_child(struct lock *const locks[], unsigned count)
{
	bool has_turn = lock_is_own(&turn);
	unsigned i;

	/* Who holds or borrowed them is not there. */
	for (i = 0; i < count; i++) {
		if (lock_is_own(locks[i]))
			continue;
		lock_reset(locks[i]);
		if (has_turn)
			levels[depth - 1].taken &= ~(1u << i);
	}
	if (has_turn) {
		lock_fork_end(locks, count);
		return;
	}
	lock_reset(&turn);
	depth = 0;
	fork_state_set_thread(0);
}
