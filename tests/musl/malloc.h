/* SPDX-License-Identifier: MIT */
/*
 * malloc.h - for tests built with musl: what glibc's header declares and musl's does not. The
 * library has these names everywhere; see lib/entry/reports.h.
 */
#ifndef TESTS_MUSL_MALLOC_H
#define TESTS_MUSL_MALLOC_H

#include_next <malloc.h>

#include <stdio.h>

#include "lib/entry/reports.h"

#define M_TOP_PAD		(-2)
#define M_MMAP_THRESHOLD	(-3)
#define M_MMAP_MAX		(-4)
#define M_CHECK_ACTION		(-5)
#define M_PERTURB		(-6)
#define M_ARENA_TEST		(-7)

/* Of no use where the library is not, which the C library finds before the program begins. */
#pragma weak mallinfo
#pragma weak mallinfo2
#pragma weak malloc_info
#pragma weak malloc_stats
#pragma weak malloc_trim
#pragma weak mallopt
#pragma weak pvalloc

#endif
