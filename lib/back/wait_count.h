/* SPDX-License-Identifier: MIT */
/*
 * wait_count.h - how long threads of the program are kept by the kernel while memory is found for
 * them: address space opened, a limit waited at. First touches are not among them; the kernel
 * counts those.
 *
 * Who may run with whom: anyone with anyone. A clock is read only where a system call is made
 * anyway, and while the helper allows it: a seccomp mode might kill for it.
 */
#ifndef HAKMEM_BACK_WAIT_COUNT_H
#define HAKMEM_BACK_WAIT_COUNT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "os/clock.h"
#include "support/compiler.h"

extern _Atomic bool wait_count_is_on HIDDEN;	/* relaxed: by the helper */

void wait_count_add(uint64_t waited_ns);

/* 0: not timed. */
static inline uint64_t wait_count_begin(void)
{
	return unlikely(atomic_load_explicit(&wait_count_is_on, memory_order_relaxed)) ?
		       clock_now_ns() : 0;
}

static inline void wait_count_end(uint64_t began_ns)
{
	if (began_ns)
		wait_count_add(clock_now_ns() - began_ns);
}

struct wait_counts {
	uint64_t waits;		/* that were timed */
	uint64_t p99_ns;	/* of all since the start, to an eighth */
	uint64_t most_ns;
};

void wait_count_read(struct wait_counts *counts);

#endif
