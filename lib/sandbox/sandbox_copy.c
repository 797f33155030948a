/* SPDX-License-Identifier: MIT */
/*
 * sandbox_copy.c - see sandbox_copy.h. Until Linux 5.16 a dump of core kills every process that
 * shares the memory: there it is copied, which costs the program a fault for each page that it
 * writes to afterwards.
 */
#include <config.h>

#include "sandbox/sandbox_copy.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/resource.h>
#include <time.h>

#include "os/kernel_abi.h"
#include "os/kernel_version.h"
#include "os/task_clone.h"
#include "support/compiler.h"
#include "support/system_call.h"

#define SIGNAL_BYTES		8ul		/* the kernel's sigset_t */
#define DUMPS_ALONE		0x051000u	/* 5.16, as the kernel writes versions */
#define ROOM_STACK		(SANDBOX_COPY_ROOM / 2)

#define ALIVE_FLAGS	(CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

static long start_by_clone3(char *stack, _Atomic uint32_t *alive, uint64_t flags,
			    void (*body)(void *argument), void *argument)
{
	struct kernel_abi_clone call = {
		.flags = flags | KERNEL_ABI_CLEAR_SIGHAND,
		.parent_word = (uintptr_t)alive,
		.child_word = (uintptr_t)alive,
		.stack = (uintptr_t)stack,
		.stack_bytes = SANDBOX_COPY_STACK,
	};

	return task_clone_by(&call, body, argument);
}

/*
 * A filter that says that there is no clone3 means clone to be called; it is a container's, and
 * does not kill for the blocking of signals.
 */
static long start_by_clone(char *stack, _Atomic uint32_t *alive, uint64_t flags,
			   void (*body)(void *argument), void *argument)
{
	uint64_t all = ~(uint64_t)0, before;
	long id;

	system_call(SYS_rt_sigprocmask, SIG_BLOCK, &all, &before, SIGNAL_BYTES);
	id = task_clone((unsigned long)flags, stack + SANDBOX_COPY_STACK, alive, 0, body, argument);
	system_call(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, SIGNAL_BYTES);
	return id;
}

/* alive: NULL for the keeper, which is never killed. */
static long sandbox_copy_start(struct sandbox_places *places, char *stack, _Atomic uint32_t *alive,
			       uint64_t wait, void (*body)(void *argument), void *argument)
{
	uint64_t flags = CLONE_UNTRACED | wait | (alive ? ALIVE_FLAGS : 0);
	long id = -ENOSYS;

	places->is_apart = kernel_version() < DUMPS_ALONE;
	flags |= places->is_apart && alive ? 0 : CLONE_VM;
	if (!places->is_unlike_clone3 && !system_call_is_withheld(SYS_clone3))
		id = start_by_clone3(stack, alive, flags, body, argument);
	/* EINVAL: before 5.5. */
	if (id != -ENOSYS && id != -EPERM && id != -EINVAL)
		return id;
	places->is_unlike_clone3 = true;
	if (system_call_is_withheld(SYS_clone))
		return -EPERM;
	return start_by_clone(stack, alive, flags, body, argument);
}

long sandbox_copy_start_keeper(struct sandbox_places *places, void (*body)(void *argument),
			       void *argument)
{
	return sandbox_copy_start(places, places->keeper, NULL, CLONE_VFORK, body, argument);
}

long sandbox_copy_start_trier(struct sandbox_places *places, unsigned which,
			      void (*body)(void *argument), void *argument)
{
	return sandbox_copy_start(places, places->trier[which], &places->alive[which], 0, body,
				  argument);
}

long sandbox_copy_run_trier(struct sandbox_places *places, void (*body)(void *argument),
			    void *argument)
{
	return sandbox_copy_start(places, places->trier[0], &places->alive[0], CLONE_VFORK, body,
				  argument);
}

bool sandbox_copy_bound_time(void)
{
	struct sigevent end = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL };
	struct itimerspec second = { .it_value = { .tv_sec = 1 } };
	int timer;

	return !system_call(SYS_timer_create, CLOCK_MONOTONIC, &end, &timer) &&
	       !system_call(SYS_timer_settime, timer, 0, &second, NULL);
}

bool sandbox_copy_has_ended(const struct sandbox_places *places, unsigned which)
{
	/* acquire: what it wrote before is there */
	return !places->is_apart &&
	       !atomic_load_explicit(&places->alive[which], memory_order_acquire);
}

/*
 * One byte: a program that takes dumps by a pipe is asked in spite of 0. prlimit64 is the loader's,
 * too.
 */
void sandbox_copy_leave_no_core(void)
{
	struct rlimit limit;

	if (system_call(SYS_prlimit64, 0, RLIMIT_CORE, NULL, &limit))
		return;
	limit.rlim_cur = min_size(limit.rlim_max, 1);
	system_call(SYS_prlimit64, 0, RLIMIT_CORE, &limit, NULL);
}

struct task_room sandbox_copy_room(struct sandbox_places *places)
{
	return (struct task_room){
		.mapping = places->room,
		.bytes = sizeof(places->room),
		.stack_end = places->room + ROOM_STACK,
		.thread_pointer = (uintptr_t)places->room + ROOM_STACK + ROOM_STACK / 2,
	};
}
