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

/*
 * The same of what came ahead and of free units of the first superslabs, in a fork's child, with
 * its one thread: the parent's helper gives them back when nobody takes them, and the child would
 * hold their pages alone.
 */
void superslab_trim_in_child(void);

#endif
