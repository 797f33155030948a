/* SPDX-License-Identifier: MIT */
/*
 * residence.h - how much of a range has pages, asked of the kernel by a thread of the program. The
 * helper asks by process.h, for it has to open what it asks by before it confines itself.
 *
 * Who may run with whom: anyone with anyone.
 */
#ifndef HAKMEM_OS_RESIDENCE_H
#define HAKMEM_OS_RESIDENCE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * *bytes: what has pages in [start, end), in which holes may lie. False: the kernel does not say
 * (before Linux 6.7, or without /proc).
 */
bool residence_of_range(uint64_t start, uint64_t end, uint64_t *bytes);

/* The same by an older call, for ranges without large holes. False: it is refused. */
bool residence_of_mapped(uint64_t start, uint64_t end, uint64_t *bytes);

#endif
