/* SPDX-License-Identifier: MIT */
/*
 * What liburing calls, past support/system_call.h: a ring is opened only if none of it is withheld,
 * since a filter might kill for it.
 */
#ifndef HAKMEM_RING_CALLS_H
#define HAKMEM_RING_CALLS_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#include "support/compiler.h"
#include "support/system_call.h"

/* 0, or -EPERM as a refusal. */
static inline int ring_calls_allowed(void)
{
	static const uint16_t calls[] = { SYS_io_uring_setup, SYS_io_uring_enter,
					  SYS_io_uring_register, SYS_mmap, SYS_munmap, SYS_madvise,
					  SYS_close };

	for (size_t i = 0; i < ARRAY_LENGTH(calls); i++)
		if (system_call_is_withheld(calls[i]))
			return -EPERM;
	return 0;
}

#endif
