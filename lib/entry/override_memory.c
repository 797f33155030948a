/* SPDX-License-Identifier: MIT */
/*
 * override_memory.c - the names by which a program changes what its memory is, put in front of the
 * C library's: a block that is freed while it is not writable, or while its faults are the
 * program's to answer, is ordinary memory for whoever gets it next (back/marked).
 */
#include <config.h>

#include <dlfcn.h>
#include <linux/userfaultfd.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "back/marked.h"
#include "support/compiler.h"
#include "support/system_call.h"

#define ADVICE_GUARD	102	/* MADV_GUARD_INSTALL, Linux 6.13 */

/* Of others who stand behind us; written by the constructor. */
static int (*next_mprotect)(void *start, size_t bytes, int protection);
static int (*next_madvise)(void *start, size_t bytes, int advice);
static int (*next_ioctl)(int descriptor, IOCTL_REQUEST request, ...);

EXPORT int mprotect(void *start, size_t bytes, int protection)
{
	if (!(protection & PROT_WRITE))
		marked_note((uintptr_t)start, bytes);
	if (next_mprotect)
		return next_mprotect(start, bytes, protection);
	return (int)system_call_as_libc(system_call_always(SYS_mprotect, start, bytes, protection));
}

/*
 * A child's copy would be missing, or zero, or a dump without it; or nobody may touch it. Refused
 * advice costs a call when the block is freed.
 */
static bool outlasts_block(int advice)
{
	return advice == MADV_DONTFORK || advice == MADV_WIPEONFORK || advice == MADV_DONTDUMP ||
	       advice == ADVICE_GUARD;
}

EXPORT int madvise(void *start, size_t bytes, int advice)
{
	if (outlasts_block(advice))
		marked_note_watched((uintptr_t)start, bytes);
	if (next_madvise)
		return next_madvise(start, bytes, advice);
	return (int)system_call_as_libc(system_call_always(SYS_madvise, start, bytes, advice));
}

EXPORT int ioctl(int descriptor, IOCTL_REQUEST request, ...)
{
	va_list arguments;
	void *argument;
	long result;

	va_start(arguments, request);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	result = next_ioctl ? next_ioctl(descriptor, request, argument) :
			      system_call_as_libc(system_call_always(SYS_ioctl, descriptor, request,
								     argument));
	if (result == 0 && (unsigned int)request == (unsigned int)UFFDIO_REGISTER) {
		const struct uffdio_register *watched = argument;

		marked_note_watched(watched->range.start, watched->range.len);
	}
	return (int)result;
}

/* Not when it is called: that may be in a signal handler. */
__attribute__((constructor)) static void override_memory_find_next(void)
{
	next_mprotect = (__typeof__(next_mprotect))dlsym(RTLD_NEXT, "mprotect");
	next_madvise = (__typeof__(next_madvise))dlsym(RTLD_NEXT, "madvise");
	next_ioctl = (__typeof__(next_ioctl))dlsym(RTLD_NEXT, "ioctl");
}
