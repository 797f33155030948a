/* SPDX-License-Identifier: MIT */
/*
 * reports.h - what glibc's malloc_info, mallinfo … answer; override.c gives them their names.
 */
#ifndef HAKMEM_ENTRY_REPORTS_H
#define HAKMEM_ENTRY_REPORTS_H

#include <malloc.h>
#include <stdio.h>

#if !__GLIBC_PREREQ(2, 33)
/* mallinfo2 came with glibc 2.33 (2021). */
struct mallinfo2 {
	size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks,
	       keepcost;
};
struct mallinfo2 mallinfo2(void);
#endif

struct mallinfo reports_mallinfo(void);
struct mallinfo2 reports_mallinfo2(void);
int reports_malloc_info(int flags, FILE *stream);
void reports_malloc_stats(void);
int reports_mallopt(int parameter, int value);

#endif
