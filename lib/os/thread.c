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
#include <stdatomic.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "os/kernel_abi.h"
#include "support/system_call.h"

#define PROCESSORS_MOST	8192	/* NR_CPUS of the largest configurations */

static pthread_key_t key;
static _Atomic bool has_key;	/* release, after the key; acquire in thread_exit_arm */

bool thread_exit_init(void (*at_exit)(void *value))
{
	bool has = pthread_key_create(&key, at_exit) == 0;

	atomic_store_explicit(&has_key, has, memory_order_release);
	return has;
}

void thread_exit_arm(void *value)
{
	int saved_errno = errno;

	if (atomic_load_explicit(&has_key, memory_order_acquire))
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

void thread_name(const char *name)
{
	system_call(SYS_prctl, PR_SET_NAME, name, 0ul, 0ul, 0ul);
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

unsigned thread_run_where(pid_t other)
{
	struct processors there;

	read_processors(&there, other);
	if (there.count == 0)
		return 1;
	system_call(SYS_sched_setaffinity, 0, there.bytes, there.mask);
	return there.count;
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
	long policy = system_call(SYS_sched_getscheduler, 0) & ~(long)SCHED_RESET_ON_FORK;

	if (policy == SCHED_FIFO || policy == SCHED_RR)
		system_call(SYS_sched_setscheduler, 0, SCHED_OTHER, &ordinary);
}

void thread_take_short_turns(uint64_t turn_ns)
{
	struct kernel_abi_scheduling wish = { .size = sizeof(wish) };

	if (system_call(SYS_sched_getattr, 0, &wish, sizeof(wish), 0) || wish.policy != SCHED_OTHER)
		return;
	wish.turn_ns = turn_ns;
	system_call(SYS_sched_setattr, 0, &wish, 0);
}
