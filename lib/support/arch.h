/* SPDX-License-Identifier: MIT */
/*
 * arch.h - the machine's measures that are known when we are built. What is known at run time only
 * has a function: page_size(), vm_huge_page_bytes(), vm_address_space().
 */
#ifndef HAKMEM_SUPPORT_ARCH_H
#define HAKMEM_SUPPORT_ARCH_H

#include <stddef.h>

#define ARCH_CACHE_LINE_BYTES	64

/* No machine that we run on has smaller ones. */
#define ARCH_LEAST_PAGE_BYTES	((size_t)1 << 12)

/* What the heap takes a huge page to be, and is laid out for. */
#define ARCH_HUGE_PAGE_SHIFT	21
#define ARCH_HUGE_PAGE_BYTES	((size_t)1 << ARCH_HUGE_PAGE_SHIFT)

#endif
