/* SPDX-License-Identifier: MIT */
/*
 * jemalloc_prefix.h - jemalloc's names with the prefix that the library is configured with, as
 * jemalloc has it too (--with-jemalloc-prefix); without one they are as they are.
 */
#ifndef HAKMEM_JEMALLOC_JEMALLOC_PREFIX_H
#define HAKMEM_JEMALLOC_JEMALLOC_PREFIX_H

#ifdef HAKMEM_PREFIX
#include <hakmem/prefixed.h>

#define mallocx			HAKMEM_NAME(mallocx)
#define rallocx			HAKMEM_NAME(rallocx)
#define xallocx			HAKMEM_NAME(xallocx)
#define sallocx			HAKMEM_NAME(sallocx)
#define dallocx			HAKMEM_NAME(dallocx)
#define sdallocx		HAKMEM_NAME(sdallocx)
#define nallocx			HAKMEM_NAME(nallocx)
#define mallctl			HAKMEM_NAME(mallctl)
#define mallctlnametomib	HAKMEM_NAME(mallctlnametomib)
#define mallctlbymib		HAKMEM_NAME(mallctlbymib)
#define malloc_stats_print	HAKMEM_NAME(malloc_stats_print)
#define malloc_conf		HAKMEM_NAME(malloc_conf)
#define malloc_message		HAKMEM_NAME(malloc_message)
#define je_get_defrag_hint	HAKMEM_NAME(get_defrag_hint)
#endif

#endif
