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

#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "support/compiler.h"

/* Up to six arguments, each an int, a pointer or a long; a constant for a long is written 0ul. */
long system_call(long number, ...) HIDDEN;

/*
 * From now on system_call() does not make this call but answers -EPERM, as a refusal: a filter
 * would end the process for it, or never answer. place: the argument that has to be value, too;
 * SYSTEM_CALL_ANY: whatever the arguments are. One thread at a time.
 */
#define SYSTEM_CALL_ANY	(-1)
void system_call_withhold(long number, int place, uint32_t value);
bool system_call_is_withheld(long number);	/* with some arguments, or all */
bool system_call_withholds(long number, const long argument[6]);

/* A result of a call that returns an address. The kernel's errors are the last page's numbers. */
static inline bool system_call_failed(long result)
{
	return (unsigned long)result > -4096ul;
}

#endif
