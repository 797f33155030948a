/* SPDX-License-Identifier: MIT */
/*
 * fork_state.c - see fork_state.h.
 */
#include <config.h>

#include "os/fork_state.h"

#include <stdatomic.h>
#include <string.h>

#include "os/thread.h"
#include "support/kernel_file.h"
#include "support/log.h"
#include "support/system_call.h"

#define SLEEPS_AT_LEAST	100	/* a second */
#define SLEEPS_AT_MOST	1000

/* All relaxed: others compare the first with what they see in a lock. */
static _Atomic uintptr_t forking_thread;
static _Atomic int forking_task;
static _Atomic bool has_lent;		/* by borrowers, too: this fork waits for somebody */

/* glibc 2.32. */
extern char __libc_single_threaded __attribute__((weak));

uintptr_t fork_state_thread(void)
{
	return atomic_load_explicit(&forking_thread, memory_order_relaxed);
}

void fork_state_set_thread(uintptr_t thread)
{
	atomic_store_explicit(&forking_thread, thread, memory_order_relaxed);
}

bool fork_state_is_own(void)
{
	return fork_state_thread() == thread_identity();
}

/* 0: nobody else is there who might want to know. */
static int own_task(void)
{
	if (&__libc_single_threaded && __libc_single_threaded)
		return 0;
	return (int)system_call(SYS_gettid);
}

static _Atomic bool has_forked;		/* relaxed: a hint */

bool fork_state_has_forked(void)
{
	return atomic_load_explicit(&has_forked, memory_order_relaxed);
}

void fork_state_begin(void)
{
	atomic_store_explicit(&has_forked, true, memory_order_relaxed);
	atomic_store_explicit(&has_lent, false, memory_order_relaxed);
	atomic_store_explicit(&forking_task, own_task(), memory_order_relaxed);
	fork_state_set_thread(thread_identity());
}

/* /proc/self/task/N/syscall begins with the number of the call that the task sleeps in. */
static bool sleeps_on_futex(int task, bool unless_known)
{
	static const char digits[] = "0123456789";
	char path[64], text[32], *end;

	log_format_text(path, sizeof(path), "/proc/self/task/%u/syscall", (unsigned)task);
	if (kernel_file_read(path, text, sizeof(text)) <= 0)
		return unless_known;
	end = text + strspn(text, digits);
	*end = '\0';
	log_format_text(path, sizeof(path), "%u", (unsigned)SYS_futex);
	return strcmp(text, path) == 0;
}

bool fork_state_lends(uintptr_t owner, unsigned sleeps)
{
	bool again = atomic_load_explicit(&has_lent, memory_order_relaxed), lends;

	if ((!again && sleeps < SLEEPS_AT_LEAST) || owner != fork_state_thread())
		return false;
	lends = sleeps_on_futex(atomic_load_explicit(&forking_task, memory_order_relaxed),
				sleeps > SLEEPS_AT_MOST);
	if (lends)
		atomic_store_explicit(&has_lent, true, memory_order_relaxed);
	return lends;
}
