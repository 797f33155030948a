/* SPDX-License-Identifier: MIT */
/*
 * metadata.h - memory for thread caches and what else the allocator keeps: zero, on cache lines,
 * never given back. It lies before the heap, and opens step by step.
 *
 * Who may run with whom: anyone with anyone, by the frontier's lock; the kernel is called without.
 */
#ifndef HAKMEM_BACK_METADATA_H
#define HAKMEM_BACK_METADATA_H

#include <stddef.h>

/* By reservation.c: where it lies. */
void metadata_begin(char *start, char *end);

/* NULL: none left. */
void *metadata_take(size_t bytes);
/* The same without a system call, for what a cache grows by; NULL: none that is open already. */
void *metadata_take_open(size_t bytes);
/* Out of what is open, where there is as much; else as metadata_take. */
void *metadata_take_open_first(size_t bytes);
/* Once a process, before its second thread: what the first cache grows by. */
void metadata_open_ahead(void);
/* So that whoever takes so much next makes no system call for it. */
void metadata_prepare(size_t bytes);

/* What was taken, and the bins of the units that are open. */
size_t metadata_bytes(void);

#endif
