/* SPDX-License-Identifier: MIT */
/*
 * core_names.h - put before stress.c by the compiler, for the program that is linked with the
 * core library: a sanitizer's own malloc stays what the C library calls.
 */
#ifndef TESTS_STRESS_CORE_NAMES_H
#define TESTS_STRESS_CORE_NAMES_H

#include <config.h>

#include <malloc.h>
#include <stdlib.h>

#include <hakmem/hakmem.h>

#include "entry/reports.h"

#define STRESS_KIND PLAIN

#define malloc			hak_malloc
#define calloc			hak_calloc
#define realloc			hak_realloc
#define free			hak_free
#define aligned_alloc		hak_aligned_alloc
#define malloc_usable_size	hak_malloc_usable_size
#define malloc_trim		hak_malloc_trim
#define mallinfo2()		reports_mallinfo2()

#endif
