/* SPDX-License-Identifier: MIT */
/*
 * nth_call.c - see nth_call.h. The linker puts this in the place of system_call (--wrap) in a
 * library of its own. Not seen: what the C library maps for itself (stacks of threads).
 */
#include <config.h>

#include "tests/refused/nth_call.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/ioctl.h>
#include <sys/mman.h>

#include "support/system_call.h"

#define UFFDIO_TYPE	0xaa	/* of requests to a userfaultfd */

long __real_system_call(long number, ...) HIDDEN;
long __wrap_system_call(long number, ...) HIDDEN;

static _Atomic long own_counts[2], failing = -1;	/* -1: the environment was not asked yet */
static _Atomic long *_Atomic count = &own_counts[0];	/* of calls, and behind it of crashes */
static _Atomic bool failing_rest, has_failed;

void nth_call_arm(long nth, bool rest)
{
	*count = 0;
	has_failed = false;
	failing_rest = rest;
	failing = nth;
}

void nth_call_disarm(void)
{
	failing = 0;
}

long nth_call_count(void)
{
	return *count;
}

void nth_call_note_crash(void)
{
	count[1]++;
}

bool nth_call_has_failed(void)
{
	return has_failed;
}

static void share_count(const char *path)
{
	long file = __real_system_call(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
	long page = __real_system_call(SYS_mmap, NULL, 2 * sizeof(long), PROT_READ | PROT_WRITE,
				       MAP_SHARED, (int)file, 0ul);

	if (!system_call_failed(page))
		count = (_Atomic long *)page;
	__real_system_call(SYS_close, (int)file);
}

static void ask_environment(void)
{
	const char *text = getenv("NTH_CALL"), *path = getenv("NTH_COUNT");

	if (path)
		share_count(path);
	failing_rest = text && strchr(text, '+');
	failing = text ? atol(text) : 0;
}

static bool fails(void)
{
	long number, nth;

	if (failing < 0)
		ask_environment();
	number = ++*count;
	nth = failing;
	if (!nth || (failing_rest ? number < nth : number != nth))
		return false;
	has_failed = true;
	return true;
}

/* Memory, and requests to a userfaultfd. */
static bool is_counted(long number, unsigned long second)
{
	switch (number) {
	case SYS_mmap:
	case SYS_munmap:
	case SYS_mprotect:
	case SYS_madvise:
	case SYS_msync:
	case SYS_mremap:
		return true;
	case SYS_ioctl:
		return _IOC_TYPE(second) == UFFDIO_TYPE;
	default:
		return false;
	}
}

long __wrap_system_call(long number, ...)
{
	unsigned long argument[6];
	va_list arguments;

	va_start(arguments, number);
	for (size_t i = 0; i < 6; i++)
		argument[i] = va_arg(arguments, unsigned long);
	va_end(arguments);
	if (is_counted(number, argument[1]) && fails())
		return -ENOMEM;
	return __real_system_call(number, argument[0], argument[1], argument[2], argument[3],
				  argument[4], argument[5]);
}
