/* SPDX-License-Identifier: MIT */
/*
 * clock.h - the time, for threads of the program: what the kernel maps into every process
 * (vDSO), read without the C library, whose function others bend or allocate in. Where that is
 * missing there is no time: a filter might kill for the system call.
 *
 * Who may run with whom: anyone with anyone.
 */
#ifndef HAKMEM_OS_CLOCK_H
#define HAKMEM_OS_CLOCK_H

#include <stdint.h>

/*
 * CLOCK_MONOTONIC; 0: there is none. Not for a thread that a seccomp mode may keep from reading the
 * processor's time stamp: it would die of SIGSEGV.
 */
uint64_t clock_now_ns(void);

/* By the helper, once a process: what the time is read by cannot be changed any more. */
void clock_seal(void);

#endif
