/* SPDX-License-Identifier: MIT */
/*
 * release.h - how memory goes back. Ranges in, nothing about slabs or blocks. Here plain
 * madvise(), called from malloc_trim() alone.
 */
#ifndef HAKMEM_BACK_RELEASE_H
#define HAKMEM_BACK_RELEASE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Gives the pages of a range back; the next touch finds zeroes. The caller sees to it that
 * nobody uses the range meanwhile. False: the kernel refused, the contents are as before.
 */
bool release_range(void *start, size_t bytes);

#endif
