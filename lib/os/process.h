/* SPDX-License-Identifier: MIT */
/*
 * process.h - clocks, and what the kernel says of the memory of this process.
 */
#ifndef HAKMEM_OS_PROCESS_H
#define HAKMEM_OS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* transparent_hugepage/enabled says never; also where the kernel has none. */
bool process_has_no_huge_pages(void);

/* CLOCK_MONOTONIC and CLOCK_REALTIME. */
uint64_t process_now_ns(void);
uint64_t process_date_ns(void);

/*
 * Counts pages that are there in [start, end), as far as most regions or 4096 pages reach: adds to
 * *present and *huge bytes and returns where it stopped; 0: the kernel cannot (before 6.7, no
 * /proc). map: of process_open_page_map.
 */
int process_open_page_map(void);
uint64_t process_count_pages(int map, uint64_t start, uint64_t end, uint64_t *present,
			     uint64_t *huge);

#endif
