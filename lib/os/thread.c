/* SPDX-License-Identifier: MIT */
/*
 * thread.c - see thread.h. A pthread key: the only notice of a thread's end that also comes
 * for threads of libraries that know nothing of us.
 */
#include <config.h>

#include "os/thread.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

static pthread_key_t key;
static bool has_key;

bool thread_exit_init(void (*at_exit)(void *value))
{
	has_key = pthread_key_create(&key, at_exit) == 0;
	return has_key;
}

void thread_exit_arm(void *value)
{
	int saved_errno = errno;

	if (has_key)
		pthread_setspecific(key, value);
	errno = saved_errno;
}

void thread_yield(void)
{
	int saved_errno = errno;

	sched_yield();
	errno = saved_errno;
}
