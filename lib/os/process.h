/* SPDX-License-Identifier: MIT */
/*
 * process.h - the clocks of this process, and whether the machine has huge pages.
 */
#ifndef HAKMEM_OS_PROCESS_H
#define HAKMEM_OS_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

/* transparent_hugepage/enabled says never; also where the kernel has none. */
bool process_has_no_huge_pages(void);

/* CLOCK_MONOTONIC and CLOCK_REALTIME. */
uint64_t process_now_ns(void);
uint64_t process_date_ns(void);

#endif
