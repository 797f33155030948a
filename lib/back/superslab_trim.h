/* SPDX-License-Identifier: MIT */
/*
 * superslab_trim.h - gives the memory of free units back to the system at once, for
 * malloc_trim(), and for a fork's child. Any thread; no lock.
 */
#ifndef HAKMEM_BACK_SUPERSLAB_TRIM_H
#define HAKMEM_BACK_SUPERSLAB_TRIM_H

#include <stddef.h>

/* Returns the bytes. */
size_t superslab_trim(void);

/* The same of what came ahead and was not taken. In a fork's child, with its one thread. */
void superslab_trim_stock(void);

#endif
