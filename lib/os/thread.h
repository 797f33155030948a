/* SPDX-License-Identifier: MIT */
/*
 * thread.h - who the calling thread is, in one instruction, and being told when it ends.
 */
#ifndef HAKMEM_OS_THREAD_H
#define HAKMEM_OS_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "support/thread_pointer.h"

/* The thread pointer: different for any two living threads, kept across fork, never 0. */
static inline uintptr_t thread_identity(void)
{
	return (uintptr_t)thread_pointer_own();
}

/*
 * Lets the calling thread run wherever another one may, not only where its creator is pinned.
 * Returns on how many processors that is; 1 if the kernel does not say.
 */
unsigned thread_run_where(pid_t other);

/* That the calling thread may run on, or the kernel does not say. */
bool thread_is_on_one_processor(void);

/* The calling thread inherited its creator's policy; at a real-time one it would hold up others. */
void thread_leave_real_time(void);

/*
 * The calling thread runs in turns of turn_ns: when it wakes, its first one comes before the longer
 * turns of others (Linux 6.12 knows of that wish; EEVDF, Stoica and Abdel-Wahab 1995). It has no
 * more of the processor for that.
 */
void thread_take_short_turns(uint64_t turn_ns);

/* The processor time that the calling thread has had. */
uint64_t thread_cpu_ns(void);

/* Names the calling thread, 15 bytes at most. */
void thread_name(const char *name);

/* Sleeps, or less if a signal comes; no cancellation point. */
void thread_nap(uint64_t ns);

/* Lets others run. */
void thread_yield(void);

/* at_exit(value) will be called in each thread that arms it. Once a process; false: cannot. */
bool thread_exit_init(void (*at_exit)(void *value));

/*
 * value: not NULL. May be called again from at_exit's time on: the C library then comes round
 * again, PTHREAD_DESTRUCTOR_ITERATIONS times at most. May itself allocate.
 */
void thread_exit_arm(void *value);

#endif
