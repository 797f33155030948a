/* SPDX-License-Identifier: MIT */
/*
 * page_size.h - how large the kernel's pages are: 4 KiB on x86_64; 4, 16 or 64 KiB on arm64,
 * which is known at run time only. The one place to learn it from.
 */
#ifndef HAKMEM_SUPPORT_PAGE_SIZE_H
#define HAKMEM_SUPPORT_PAGE_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Any thread, before constructors too; no system call. */
size_t page_size(void);

/*
 * For whatever discards contents: the kernel refuses a start inside a page, but of a length it
 * takes the rest of the last page too, whoever's that is.
 */
static inline bool page_size_divides(const void *start, size_t bytes)
{
	return (((uintptr_t)start | bytes) & (page_size() - 1)) == 0;
}

#endif
