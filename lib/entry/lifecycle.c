/* SPDX-License-Identifier: MIT */
/*
 * lifecycle.c - what happens to the allocator when the process starts and forks. Threads
 * come and go in front/thread_cache.c. Nothing here is needed to allocate: the first
 * allocation may come long before the constructor.
 */
#include <config.h>

#include <pthread.h>

#include "back/frontier.h"
#include "back/large.h"
#include "back/large_run.h"
#include "back/placement.h"
#include "back/superslab.h"
#include "entry/control.h"
#include "entry/helper.h"
#include "front/hardened.h"
#include "front/lease.h"
#include "middle/heap.h"
#include "os/lock.h"
#include "support/options.h"

/* Every lock, in the order of lock.h: what they guard is whole in the child. */
static void before_fork(void)
{
	heap_list_lock();
	superslab_lock();
	large_lock();
	frontier_lock();
	lock_fork_begin();
}

static void after_fork(void)
{
	lock_fork_end();
	frontier_unlock();
	large_unlock();
	superslab_unlock();
	heap_list_unlock();
}

static void after_fork_in_child(void)
{
	lease_after_fork_in_child();
	helper_after_fork_in_child();
	superslab_after_fork_in_child();
	large_run_after_fork_in_child();
	frontier_after_fork_in_child();
	after_fork();
}

/* The loader passes a shared object's constructors what it passes to main(). */
__attribute__((constructor)) static void start(int argc, char **argv, char **environment)
{
	(void)argc;
	(void)argv;
	options_read(environment);
	placement_init();
	if (options.hardened)
		hardened_begin();
	control_init(environment);
	helper_init();
	pthread_atfork(before_fork, after_fork, after_fork_in_child);
}

/* Others may have ended the process without this, so hakctl removes what is left over. */
__attribute__((destructor)) static void end(void)
{
	helper_end();
}
