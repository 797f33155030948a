/* SPDX-License-Identifier: MIT */
/*
 * override_sandbox.c - the names by which a program confines itself or moves into namespaces, put
 * in front of the C library's. What is asked for is done as it would be without us; the helper
 * hears of it, or steps aside where the kernel wants memory that nobody shares. A program that
 * makes the system calls itself is noticed later, by looking (see helper.c).
 */
#include <config.h>

#include <errno.h>
#include <linux/prctl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "entry/helper_life.h"
#include "os/program.h"
#include "support/compiler.h"
#include "support/system_call.h"

static int as_libc(long result)
{
	if (result >= 0)
		return (int)result;
	errno = (int)-result;
	return -1;
}

/* What a program of one thread may do (unshare(2), setns(2)) is refused while others have its memory. */
static bool is_for_one(long result)
{
	return result == -EINVAL || result == -EUSERS;
}

EXPORT int unshare(int flags)
{
	long result = system_call(SYS_unshare, flags);

	if (is_for_one(result) && helper_life_step_aside())
		result = system_call(SYS_unshare, flags);
	return as_libc(result);
}

EXPORT int setns(int descriptor, int type)
{
	long result = system_call(SYS_setns, descriptor, type);

	if (is_for_one(result) && helper_life_step_aside())
		result = system_call(SYS_setns, descriptor, type);
	return as_libc(result);
}

/* Before the filter is there: what it kills for must not be called behind it. */
static void note_filter(void)
{
	program_note_sandbox();
	helper_life_note_filter(true);
}

EXPORT int prctl(int option, ...)
{
	unsigned long argument[4];
	va_list arguments;
	unsigned i;

	va_start(arguments, option);
	for (i = 0; i < ARRAY_LENGTH(argument); i++)
		argument[i] = va_arg(arguments, unsigned long);
	va_end(arguments);
	if (option == PR_SET_SECCOMP)
		note_filter();
	return as_libc(system_call(SYS_prctl, option, argument[0], argument[1], argument[2],
				   argument[3]));
}

EXPORT long syscall(long number, ...)
{
	long argument[6], result;
	va_list arguments;
	unsigned i;

	va_start(arguments, number);
	for (i = 0; i < ARRAY_LENGTH(argument); i++)
		argument[i] = va_arg(arguments, long);
	va_end(arguments);
	if (number == SYS_seccomp)
		note_filter();
	result = system_call(number, argument[0], argument[1], argument[2], argument[3], argument[4],
			     argument[5]);
	if (!system_call_failed(result))
		return result;
	errno = (int)-result;
	return -1;
}
