/* SPDX-License-Identifier: MIT */
/*
 * process.h - the clocks of this process, for threads that may make a system call where clock.h
 * has no time.
 */
#ifndef HAKMEM_OS_PROCESS_H
#define HAKMEM_OS_PROCESS_H

#include <stdint.h>

/* CLOCK_MONOTONIC and CLOCK_REALTIME. */
uint64_t process_now_ns(void);
uint64_t process_date_ns(void);

#endif
