/* SPDX-License-Identifier: MIT */
/*
 * superslab_trim.h - gives the memory of free units back to the system at once, for
 * malloc_trim(). Any thread; no lock.
 */
#ifndef HAKMEM_BACK_SUPERSLAB_TRIM_H
#define HAKMEM_BACK_SUPERSLAB_TRIM_H

#include <stddef.h>

/* Returns the bytes. */
size_t superslab_trim(void);

#endif
