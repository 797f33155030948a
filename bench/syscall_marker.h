/* SPDX-License-Identifier: MIT */
/*
 * What a traced program tells syscall_tracer: which operation it is in, of which size.
 * The program makes the address known by one prctl that the kernel refuses; from then
 * on the tracer reads the marker out of the program's memory at each system call, so
 * that marking costs the program two stores and maps nothing.
 */
#ifndef BENCH_SYSCALL_MARKER_H
#define BENCH_SYSCALL_MARKER_H

#include <stdint.h>

enum {
	SYSCALL_MARKER_PRCTL = 0x68616b6d,
	/* a thread besides the first that is the program's own, not an allocator's */
	SYSCALL_MARKER_THREAD_PRCTL = 0x68616b74,
	/* operation of a program that has not begun, and of one that is done */
	SYSCALL_MARKER_START = -1,
	SYSCALL_MARKER_END = -2,
};

struct syscall_marker {
	volatile int64_t operation;
	volatile uint64_t size_bytes;
	volatile uint64_t align_bytes; /* 0: plain malloc */
};

#endif
