/* SPDX-License-Identifier: MIT */
/*
 * lifecycle.c - what happens to the allocator when the process starts and forks. Threads
 * come and go in front/thread_cache.c. Nothing here is needed to allocate: the first
 * allocation may come long before the constructor.
 */
#include <config.h>

#include "entry/lifecycle.h"

#include <pthread.h>
#include <stdatomic.h>

#include "back/frontier.h"
#include "back/large.h"
#include "back/large_run.h"
#include "upkeep/placement.h"
#include "back/reservation.h"
#include "back/superslab.h"
#include "back/superslab_trim.h"
#include "control/control.h"
#include "entry/last_words.h"
#include "helper/helper.h"
#include "helper/helper_life.h"
#include "front/hardened.h"
#include "front/lease.h"
#include "middle/heap.h"
#include "os/lock_fork.h"
#include "os/program.h"
#include "support/options.h"
#include "upkeep/profiling.h"

enum { START, HEAP_LIST, SUPERSLAB, LARGE, FRONTIER, LOCKS };

/*
 * Every lock, in the order of lock.h: what they guard is whole in the child. By
 * lifecycle_watch_forks.
 */
static struct lock *locks[LOCKS];

static void find_locks(void)
{
	locks[START] = lease_fork_lock();
	locks[HEAP_LIST] = heap_fork_lock();
	locks[SUPERSLAB] = superslab_fork_lock();
	locks[LARGE] = large_fork_lock();
	locks[FRONTIER] = frontier_fork_lock();
	lock_set_order(locks, LOCKS);
}

static void before_fork(void)
{
	lock_fork_begin(locks, LOCKS);
}

static void after_fork(void)
{
	lock_fork_end(locks, LOCKS);
}

static void after_fork_in_child(void)
{
	unsigned whole = lock_fork_look_in_child(locks, LOCKS);
	if (whole & 1u << HEAP_LIST)
		lease_after_fork_in_child();
	helper_after_fork_in_child();
	if (whole & 1u << SUPERSLAB) {
		superslab_after_fork_in_child();
		if (!helper_life_is_filtered())
			superslab_trim_in_child();
	}
	if (whole & 1u << LARGE)
		large_run_after_fork_in_child();
	reservation_after_fork_in_child(whole & 1u << FRONTIER);
	lock_fork_end_in_child(locks, LOCKS);
}

/*
 * The last fork handlers to run before a fork, and the first after it, are those registered first
 * of all: others may be kept waiting, with our locks, by a thread that allocates under theirs.
 */
void lifecycle_watch_forks(void)
{
	static _Atomic bool watches;	/* seq_cst: once; registering may come back here */

	if (atomic_exchange(&watches, true))
		return;
	find_locks();
	pthread_atfork(before_fork, after_fork, after_fork_in_child);
}

/* The loader passes a shared object's constructors what it passes to main(). */
static void lifecycle_start(int argc, char **argv, char **environment)
{
	(void)argc;
	(void)argv;
	environment = program_environment(environment);
	options_read(environment);
	last_words_begin();
	placement_init();
	if (options.hardened)
		hardened_begin();
	control_init(environment);
	helper_life_init(environment);
	helper_init();
	lifecycle_watch_forks();
	if (options.profile_bytes != SIZE_MAX)
		profiling_follow();
}

AT_START(lifecycle_start, "");

/* Others may have ended the process without this, so hakctl removes what is left over. */
__attribute__((destructor)) static void lifecycle_end(void)
{
	helper_life_end();
}
