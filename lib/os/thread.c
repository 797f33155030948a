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
#include <signal.h>
#include <sys/prctl.h>

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

int thread_start(void *(*body)(void *argument), void *stack, size_t stack_bytes)
{
	int saved_errno = errno, error;
	pthread_attr_t attributes;
	sigset_t all, before;
	pthread_t thread;

	/* By pthread_sigmask: it leaves out the signal by which setuid() reaches all threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attributes);
	error = pthread_attr_setstack(&attributes, stack, stack_bytes);
	if (!error)
		error = pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	if (!error)
		error = pthread_create(&thread, &attributes, body, NULL);
	pthread_attr_destroy(&attributes);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = saved_errno;
	return -error;
}

void thread_name(const char *name)
{
	prctl(PR_SET_NAME, name, 0, 0, 0);
}

unsigned thread_processors(void)
{
	int saved_errno = errno;
	cpu_set_t set;
	unsigned count = 1;

	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		count = (unsigned)CPU_COUNT(&set);
	else if (errno == EINVAL)
		count = CPU_SETSIZE;	/* more processors than the set has room for */
	errno = saved_errno;
	return count;
}
