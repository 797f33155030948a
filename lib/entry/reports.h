/* SPDX-License-Identifier: MIT */
/*
 * reports.h - what glibc's malloc_info, mallinfo … answer; override.c gives them their names.
 * Another C library may lack them; programs that were built for glibc ask all the same.
 */
#ifndef HAKMEM_ENTRY_REPORTS_H
#define HAKMEM_ENTRY_REPORTS_H

#include <malloc.h>
#include <stdio.h>

#ifndef HAVE_MALLINFO
struct mallinfo {
	int arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};
struct mallinfo mallinfo(void);
int malloc_trim(size_t pad);
int malloc_info(int flags, FILE *stream);
void malloc_stats(void);
int mallopt(int parameter, int value);
void *pvalloc(size_t size);
enum { M_ARENA_MAX = -8, M_TRIM_THRESHOLD = -1, M_MXFAST = 1 };
#endif

/* It came with glibc 2.33 (2021). */
#ifndef HAVE_MALLINFO2
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
