/* SPDX-License-Identifier: MIT */
/*
 * probe.h - places that a tracer can watch (USDT: bpftrace, perf, gdb), of the provider hakmem. One
 * that nobody watches costs the load of a zero in a slow path; where <sys/sdt.h> is not there,
 * nothing.
 *
 * Who may run with whom: anyone with anyone; the tracer writes the semaphore.
 */
#ifndef HAKMEM_SUPPORT_PROBE_H
#define HAKMEM_SUPPORT_PROBE_H

#include "support/compiler.h"

#ifdef HAVE_SYS_SDT_H

#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>

/* In the one file that has the probe. Not static: under -flto the assembly may be elsewhere. */
#define PROBE(name)									\
	extern volatile unsigned short hakmem_##name##_semaphore;			\
	__attribute__((visibility("hidden"), section(".probes"), used))			\
	volatile unsigned short hakmem_##name##_semaphore
#define PROBE_IS_WATCHED(name)	unlikely(hakmem_##name##_semaphore)
#define PROBE_2(name, a, b)								\
	do {										\
		if (unlikely(hakmem_##name##_semaphore))				\
			STAP_PROBE2(hakmem, name, a, b);				\
	} while (0)
#define PROBE_5(name, a, b, c, d, e)							\
	do {										\
		if (unlikely(hakmem_##name##_semaphore))				\
			STAP_PROBE5(hakmem, name, a, b, c, d, e);			\
	} while (0)

#else

#define PROBE(name)		_Static_assert(1, #name)
#define PROBE_IS_WATCHED(name)	0
#define PROBE_2(name, a, b)	((void)0)
#define PROBE_5(name, a, b, c, d, e)	((void)0)

#endif

#endif
