/* SPDX-License-Identifier: MIT */
/*
 * mallctl_arenas.h - jemalloc's numbered arenas. Number 0 is the process's heap, with all its
 * threads; the others are heaps of one's own (front/own_heap.c) that a program has made by
 * arenas.create and names in the flags of mallocx. There is no arena for each processor.
 *
 * Who may run with whom: anyone with anyone, but nobody uses an arena while it is reset or
 * destroyed.
 */
#ifndef HAKMEM_JEMALLOC_MALLCTL_ARENAS_H
#define HAKMEM_JEMALLOC_MALLCTL_ARENAS_H

#include <stdbool.h>
#include <stddef.h>

#define MALLCTL_ARENAS_ALL		4096	/* jemalloc's numbers: all arenas together … */
#define MALLCTL_ARENAS_DESTROYED	4097	/* … and those that are gone */

/* Number 0 included; those that were destroyed too, until their number serves again. */
size_t mallctl_arenas_count(void);

/* 0: no more can be made. */
size_t mallctl_arenas_create(void);

/* One that was made by create, and not destroyed. */
bool mallctl_arenas_has(size_t number);

/* 0, or one of jemalloc's numbers for all of them. */
bool mallctl_arenas_is_whole_heap(size_t number);
/* That, or one that was made at any time. */
bool mallctl_arenas_is_known(size_t number);

/* Frees all that is left in it. Destroyed, its number may serve again. False: there is none. */
bool mallctl_arenas_reset(size_t number);
bool mallctl_arenas_destroy(size_t number);

/* flags: those of hak_mallocx. An arena that is not there is number 0. */
void *mallctl_arenas_take(size_t number, size_t size, int flags);
/* A block that cannot stay where it is moves into the arena. */
void *mallctl_arenas_resize(size_t number, void *block, size_t size, int flags);

#endif
