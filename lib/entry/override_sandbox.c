/* SPDX-License-Identifier: MIT */
/*
 * override_sandbox.c - the names by which a program confines itself or moves into namespaces, put
 * in front of the C library's. What is asked for is done as it would be without us; the helper
 * hears of it, or steps aside where the kernel wants memory that nobody shares; for what a program
 * asks by syscall(2), too. One that makes the system calls itself is noticed later, by looking (see
 * helper.c).
 */
#include <config.h>

#include <errno.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "back/wait_count.h"
#include "helper/helper_life.h"
#include "os/program.h"
#include "sandbox/sandbox.h"
#include "support/compiler.h"
#include "support/system_call.h"

/*
 * What a program of one thread may do (unshare(2), setns(2)) is refused while others have its
 * memory.
 */
static bool is_for_one(long result)
{
	return result == -EINVAL || result == -EUSERS;
}

EXPORT int unshare(int flags)
{
	long result = system_call_always(SYS_unshare, flags);

	if (is_for_one(result) && helper_life_step_aside())
		result = system_call_always(SYS_unshare, flags);
	return (int)system_call_as_libc(result);
}

EXPORT int setns(int descriptor, int type)
{
	long result = system_call_always(SYS_setns, descriptor, type);

	if (is_for_one(result) && helper_life_step_aside())
		result = system_call_always(SYS_setns, descriptor, type);
	return (int)system_call_as_libc(result);
}

/*
 * Meanwhile, in other threads: what it kills for must not be called behind it. False: in a vfork's
 * child, which would note its own in its parent's memory.
 */
static bool begin_filter(void)
{
	if (!program_is_this(0))
		return false;
	helper_life_begin_filter();
	return true;
}

/* The kernel has read the filter, so it is there to be read. filter: NULL for the strict mode. */
static void end_filter(long result, const void *filter)
{
	if (result >= 0) {
		program_note_sandbox();
		if (filter)
			sandbox_note_own(filter);
		else
			sandbox_note_strict();
		if (system_call_is_withheld(SYS_clock_gettime))
			atomic_store_explicit(&wait_count_is_on, false, memory_order_relaxed);
	}
	helper_life_end_filter();
}

EXPORT int prctl(int option, ...)
{
	unsigned long argument[4];
	va_list arguments;
	bool is_noted;
	long result;
	unsigned i;

	va_start(arguments, option);
	for (i = 0; i < ARRAY_LENGTH(argument); i++)
		argument[i] = va_arg(arguments, unsigned long);
	va_end(arguments);
	is_noted = option == PR_SET_SECCOMP && begin_filter();
	result = system_call_always(SYS_prctl, option, argument[0], argument[1], argument[2],
				    argument[3]);
	if (is_noted)
		end_filter(result,
			   argument[0] == SECCOMP_MODE_FILTER ? (const void *)argument[1] : NULL);
	return (int)system_call_as_libc(result);
}

/* What the C library's functions for these calls would have done first. True: a helper is held. */
static bool override_sandbox_prepare(long number, const long argument[6])
{
	if (number == SYS_execve || number == SYS_execveat)
		return helper_life_hold_back();
	if (number == SYS_exit_group)
		helper_life_end_at_once();
	else if (number == SYS_wait4)
		helper_life_make_way_for_wait((int)argument[2]);
	else if (number == SYS_waitid)
		helper_life_make_way_for_wait((int)argument[3]);
	return false;
}

EXPORT long syscall(long number, ...)
{
	long argument[6], result;
	bool is_noted, is_held;
	va_list arguments;
	unsigned i;

	va_start(arguments, number);
	for (i = 0; i < ARRAY_LENGTH(argument); i++)
		argument[i] = va_arg(arguments, long);
	va_end(arguments);
	is_held = override_sandbox_prepare(number, argument);
	is_noted = number == SYS_seccomp &&
		   (argument[0] == SECCOMP_SET_MODE_FILTER ||
		    argument[0] == SECCOMP_SET_MODE_STRICT) &&
		   begin_filter();
	result = system_call_always(number, argument[0], argument[1], argument[2], argument[3],
				    argument[4], argument[5]);
	if (is_noted)
		end_filter(result,
			   argument[0] == SECCOMP_SET_MODE_FILTER ? (const void *)argument[2] :
								    NULL);
	helper_life_let_come(is_held);
	return system_call_as_libc(result);
}
