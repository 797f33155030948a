/* SPDX-License-Identifier: MIT */
/*
 * system_call.h - the way into the kernel, without the C library: as syscall(2), but the
 * result is the kernel's own (-errno on failure), errno stays as it is, the call is no
 * cancellation point, nobody can interpose it, and no thread pointer is needed.
 *
 * Who may run with whom: anyone with anyone.
 */
#ifndef HAKMEM_SUPPORT_SYSTEM_CALL_H
#define HAKMEM_SUPPORT_SYSTEM_CALL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "support/compiler.h"

/* Up to six arguments, each an int, a pointer or a long; a constant for a long is written 0ul. */
long system_call(long number, ...) HIDDEN;

/* Also what is withheld: for what the program itself asks. */
long system_call_always(long number, ...) HIDDEN;

/*
 * From now on system_call() does not make this call but answers -EPERM, as a refusal: a filter
 * would end the process for it, or never answer. place: the argument that has to be value, too;
 * SYSTEM_CALL_ANY: whatever the arguments are. by_program: not from the exempt stacks.
 */
#define SYSTEM_CALL_ANY	(-1)
void system_call_withhold(long number, int place, uint32_t value, bool by_program);
bool system_call_is_withheld(long number);	/* with some arguments, or all */
bool system_call_withholds(long number, const long *argument);	/* six; NULL: with some, too */
/* Every call but write(2), by which a message comes, from the calling thread. */
void system_call_withhold_all(void);

/* The stacks of the helper's two tasks, which do not have a filter that the program sets later. */
void system_call_exempt(const void *start, size_t bytes);
/* It has all filters that there are: another one starts. */
void system_call_exempt_nobody(void);

/* A result of a call that returns an address. The kernel's errors are the last page's numbers. */
static inline bool system_call_failed(long result)
{
	return (unsigned long)result > -4096ul;
}

/* As the C library's functions tell it: -1, and errno. For those that stand in their place. */
static inline long system_call_as_libc(long result)
{
	if (!system_call_failed(result))
		return result;
	errno = (int)-result;
	return -1;
}

#endif
