/* SPDX-License-Identifier: MIT */
/*
 * nth_call.c - see nth_call.h. The calls themselves are made past the C library, so nothing
 * is counted twice. Not seen: what the C library maps for itself (stacks of threads).
 */
#include "tests/refused/nth_call.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define UFFDIO_TYPE	0xaa	/* of requests to a userfaultfd */

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
	int file = (int)syscall(SYS_open, path, O_RDWR | O_CLOEXEC);
	void *page = (void *)syscall(SYS_mmap, NULL, 2 * sizeof(long), PROT_READ | PROT_WRITE,
				     MAP_SHARED, file, 0);

	if (page != MAP_FAILED)
		count = page;
	syscall(SYS_close, file);
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

static bool refuse(int error)
{
	if (!fails())
		return false;
	errno = error;
	return true;
}

void *mmap(void *start, size_t bytes, int protection, int flags, int file, off_t offset)
{
	if (refuse(ENOMEM))
		return MAP_FAILED;
	return (void *)syscall(SYS_mmap, start, bytes, protection, flags, file, offset);
}

int munmap(void *start, size_t bytes)
{
	if (refuse(ENOMEM))
		return -1;
	return (int)syscall(SYS_munmap, start, bytes);
}

int mprotect(void *start, size_t bytes, int protection)
{
	if (refuse(ENOMEM))
		return -1;
	return (int)syscall(SYS_mprotect, start, bytes, protection);
}

int madvise(void *start, size_t bytes, int advice)
{
	if (refuse(ENOMEM))
		return -1;
	return (int)syscall(SYS_madvise, start, bytes, advice);
}

int msync(void *start, size_t bytes, int flags)
{
	if (refuse(ENOMEM))
		return -1;
	return (int)syscall(SYS_msync, start, bytes, flags);
}

void *mremap(void *from, size_t bytes, size_t wanted, int flags, ...)
{
	va_list arguments;
	void *to;

	va_start(arguments, flags);
	to = flags & MREMAP_FIXED ? va_arg(arguments, void *) : NULL;
	va_end(arguments);
	if (refuse(ENOMEM))
		return MAP_FAILED;
	return (void *)syscall(SYS_mremap, from, bytes, wanted, flags, to);
}

/* Only requests to a userfaultfd count. */
int ioctl(int file, unsigned long request, ...)
{
	va_list arguments;
	void *argument;

	va_start(arguments, request);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	if (_IOC_TYPE(request) == UFFDIO_TYPE && refuse(ENOMEM))
		return -1;
	return (int)syscall(SYS_ioctl, file, request, argument);
}
