/* SPDX-License-Identifier: MIT */
/*
 * override.c - libc's names. malloc, free and the functions that align hold the fast paths
 * themselves; the others are one jump. Their declarations are ours: headers differ in
 * attributes and in what they know.
 */
#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <hakmem/hakmem.h>

#include "entry/reports.h"
#include "front/aligned.h"
#include "front/free.h"
#include "front/malloc.h"
#include "support/system_call.h"

#define ALIAS(name)	__attribute__((alias(name)))

/* The aliases of functions that <stdlib.h> decorates need no decoration; clang asks for none. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmissing-attributes"
#endif

EXPORT void *malloc(size_t size)
{
	return malloc_inline(size);
}

EXPORT void free(void *block)
{
	free_inline(block);
}

EXPORT void *calloc(size_t count, size_t size)
{
	return hak_calloc(count, size);
}

EXPORT void *realloc(void *block, size_t size)
{
	return hak_realloc(block, size);
}

EXPORT void *reallocarray(void *block, size_t count, size_t size)
{
	return hak_reallocarray(block, count, size);
}

EXPORT int posix_memalign(void **place, size_t alignment, size_t size)
{
	return aligned_posix_inline(place, alignment, size);
}

EXPORT void *aligned_alloc(size_t alignment, size_t size)
{
	return aligned_alloc_inline(alignment, size);
}

EXPORT void *memalign(size_t alignment, size_t size)
{
	return aligned_memalign_inline(alignment, size);
}

EXPORT void *valloc(size_t size)
{
	return hak_valloc(size);
}

EXPORT void *pvalloc(size_t size)
{
	return hak_pvalloc(size);
}

EXPORT size_t malloc_usable_size(void *block)
{
	return hak_malloc_usable_size(block);
}

/* C23; not in every header yet, and declared twice where they are. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wredundant-decls"
void free_sized(void *block, size_t size);
void free_aligned_sized(void *block, size_t alignment, size_t size);
#pragma GCC diagnostic pop

EXPORT void free_sized(void *block, size_t size)
{
	hak_free_sized(block, size);
}

EXPORT void free_aligned_sized(void *block, size_t alignment, size_t size)
{
	hak_free_aligned_sized(block, alignment, size);
}

/* Gone from the headers, not from old programs (cfree), and what some programs call to get
 * behind an interposed malloc (__libc_…): it must be the same heap. */
void cfree(void *block);
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_reallocarray(void *block, size_t count, size_t size);
void __libc_free(void *block);
void __libc_cfree(void *block);
void *__libc_memalign(size_t alignment, size_t size);
void *__libc_valloc(size_t size);
void *__libc_pvalloc(size_t size);
int __posix_memalign(void **place, size_t alignment, size_t size);

EXPORT void cfree(void *block) ALIAS("free");
EXPORT void *__libc_malloc(size_t size) ALIAS("malloc");
EXPORT void *__libc_calloc(size_t count, size_t size) ALIAS("calloc");
EXPORT void *__libc_realloc(void *block, size_t size) ALIAS("realloc");
EXPORT void *__libc_reallocarray(void *block, size_t count, size_t size) ALIAS("reallocarray");
EXPORT void __libc_free(void *block) ALIAS("free");
EXPORT void __libc_cfree(void *block) ALIAS("free");
EXPORT void *__libc_memalign(size_t alignment, size_t size) ALIAS("memalign");
EXPORT void *__libc_valloc(size_t size) ALIAS("valloc");
EXPORT void *__libc_pvalloc(size_t size) ALIAS("pvalloc");
EXPORT int __posix_memalign(void **place, size_t alignment, size_t size) ALIAS("posix_memalign");

EXPORT int malloc_trim(size_t pad)
{
	return hak_malloc_trim(pad);
}

EXPORT struct mallinfo mallinfo(void)
{
	return reports_mallinfo();
}

EXPORT struct mallinfo2 mallinfo2(void)
{
	return reports_mallinfo2();
}

EXPORT int malloc_info(int flags, FILE *stream)
{
	return reports_malloc_info(flags, stream);
}

EXPORT void malloc_stats(void)
{
	reports_malloc_stats();
}

EXPORT int mallopt(int parameter, int value)
{
	return reports_mallopt(parameter, value);
}

struct mallinfo __libc_mallinfo(void);
int __libc_mallopt(int parameter, int value);

EXPORT struct mallinfo __libc_mallinfo(void) ALIAS("mallinfo");
EXPORT int __libc_mallopt(int parameter, int value) ALIAS("mallopt");

/* Heap images died with glibc 2.26: no state is given, none is accepted. */
void *malloc_get_state(void);
int malloc_set_state(void *state);

EXPORT void *malloc_get_state(void)
{
	errno = ENOSYS;
	return NULL;
}

EXPORT int malloc_set_state(void *state)
{
	(void)state;
	return -1;
}
