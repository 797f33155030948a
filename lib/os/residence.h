/* SPDX-License-Identifier: MIT */
/*
 * residence.h - how much of a range has pages, asked of the kernel. The helper asks in steps, by
 * what it has opened before it confined itself; a thread of the program asks at once.
 *
 * Who may run with whom: anyone with anyone.
 */
#ifndef HAKMEM_OS_RESIDENCE_H
#define HAKMEM_OS_RESIDENCE_H

#include <stdbool.h>
#include <stdint.h>

/* A descriptor to ask by, or -errno. */
int residence_open(void);

/*
 * Counts pages that are there in [start, end), as far as most regions or 4096 pages reach: adds to
 * *present and *huge bytes and returns where it stopped; 0: the kernel cannot (before 6.7, no
 * /proc). map: of residence_open.
 */
uint64_t residence_count(int map, uint64_t start, uint64_t end, uint64_t *present, uint64_t *huge);

/*
 * *bytes: what has pages in [start, end), in which holes may lie. False: the kernel does not say
 * (before Linux 6.7, or without /proc).
 */
bool residence_of_range(uint64_t start, uint64_t end, uint64_t *bytes);

/* The same by an older call, for ranges without large holes. False: it is refused. */
bool residence_of_mapped(uint64_t start, uint64_t end, uint64_t *bytes);

#endif
