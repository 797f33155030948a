/* SPDX-License-Identifier: MIT */
/*
 * thread.c - see thread.h. A pthread key: the only notice of a thread's end that also comes
 * for threads of libraries that know nothing of us.
 */
#include <config.h>

#include "os/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "os/kernel_abi.h"
#include "support/system_call.h"

#define PROCESSORS_MOST	8192	/* NR_CPUS of the largest configurations */

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

void thread_nap(uint64_t ns)
{
	struct timespec time = { .tv_sec = (time_t)(ns / 1000000000ull),
				 .tv_nsec = (long)(ns % 1000000000ull) };

	system_call(SYS_nanosleep, &time, NULL);
}

void thread_yield(void)
{
	system_call(SYS_sched_yield);
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

uint64_t thread_cpu_ns(void)
{
	struct timespec used;

	system_call(SYS_clock_gettime, CLOCK_THREAD_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * 1000000000ull + (uint64_t)used.tv_nsec;
}

/* Where a thread may run. */
struct processors {
	unsigned long mask[PROCESSORS_MOST / (8 * sizeof(long))];
	long bytes;
	unsigned count;		/* 0: the kernel does not say */
};

static void read_processors(struct processors *processors, pid_t thread)
{
	long i, words;

	memset(processors, 0, sizeof(*processors));
	processors->bytes = system_call(SYS_sched_getaffinity, thread, sizeof(processors->mask),
					processors->mask);
	words = processors->bytes / (long)sizeof(long);
	for (i = 0; i < words; i++)
		processors->count += (unsigned)__builtin_popcountl(processors->mask[i]);
}

/* errno is not kept: for the helper. */
unsigned thread_run_where_first(void)
{
	struct processors first;

	read_processors(&first, getpid());
	if (first.count == 0)
		return 1;
	syscall(SYS_sched_setaffinity, 0, first.bytes, first.mask);
	return first.count;
}

bool thread_is_on_one_processor(void)
{
	struct processors own;

	read_processors(&own, 0);
	return own.count <= 1;
}

void thread_leave_real_time(void)
{
	struct sched_param ordinary = { .sched_priority = 0 };
	int policy = sched_getscheduler(0) & ~SCHED_RESET_ON_FORK;

	if (policy == SCHED_FIFO || policy == SCHED_RR)
		sched_setscheduler(0, SCHED_OTHER, &ordinary);
}

void thread_take_short_turns(uint64_t turn_ns)
{
	struct kernel_abi_scheduling wish = { .size = sizeof(wish) };

	if (syscall(SYS_sched_getattr, 0, &wish, sizeof(wish), 0) || wish.policy != SCHED_OTHER)
		return;
	wish.turn_ns = turn_ns;
	syscall(SYS_sched_setattr, 0, &wish, 0);
}

void thread_come_first(uint64_t turn_ns)
{
	struct sched_param lowest = { .sched_priority = 1 };

	if (sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &lowest))
		thread_take_short_turns(turn_ns);
}

/* "pid (any name) Z ppid … num_threads …": a zombie leader counts too. */
bool thread_is_last(unsigned of_ours)
{
	char text[1024], *next;
	int descriptor = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	ssize_t length;
	unsigned field;

	if (descriptor < 0)
		return false;
	length = read(descriptor, text, sizeof(text) - 1);
	close(descriptor);
	text[length > 0 ? length : 0] = '\0';
	next = strrchr(text, ')');
	if (!next || strncmp(next, ") Z ", 4) != 0)
		return false;
	for (field = 2; next && field < 20; field++)
		next = strchr(next + 1, ' ');
	return next && (unsigned)atoi(next) == 1 + of_ours;
}
