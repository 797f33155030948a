/* SPDX-License-Identifier: MIT */
/*
 * override_tcmalloc.c - tcmalloc's names in C: all that take or free blocks, so that none goes from
 * one allocator to the other where its library is loaded, too, and those others that programs of
 * Debian import (moving.md has the list). Declared here: there is no header of tcmalloc's to build
 * with. Of its C++ class nothing is here.
 */
#include <config.h>

#include <stdint.h>
#include <string.h>

#include <hakmem/hakmem.h>

#include "front/free.h"
#include "front/malloc.h"
#include "jemalloc/mallctl.h"

void *tc_malloc(size_t size);
void *tc_calloc(size_t count, size_t size);
void *tc_realloc(void *block, size_t size);
void tc_free(void *block);
void *tc_memalign(size_t alignment, size_t size);
int tc_posix_memalign(void **place, size_t alignment, size_t size);
size_t tc_malloc_size(void *block);
int MallocExtension_GetNumericProperty(const char *name, size_t *value);
int MallocExtension_SetNumericProperty(const char *name, size_t value);
void MallocExtension_ReleaseFreeMemory(void);
void MallocExtension_ReleaseToSystem(size_t bytes);
void MallocExtension_MarkThreadIdle(void);
void MallocExtension_MarkThreadBusy(void);
void MallocExtension_MarkThreadTemporarilyIdle(void);

EXPORT void *tc_malloc(size_t size)
{
	return malloc_inline(size);
}

EXPORT void *tc_calloc(size_t count, size_t size)
{
	return hak_calloc(count, size);
}

EXPORT void *tc_realloc(void *block, size_t size)
{
	return hak_realloc(block, size);
}

EXPORT void tc_free(void *block)
{
	free_inline(block);
}

EXPORT void *tc_memalign(size_t alignment, size_t size)
{
	return hak_memalign(alignment, size);
}

EXPORT int tc_posix_memalign(void **place, size_t alignment, size_t size)
{
	return hak_posix_memalign(place, alignment, size);
}

EXPORT size_t tc_malloc_size(void *block)
{
	return hak_malloc_usable_size(block);
}

/* By other names: parameters, and what they are passed on to. */
#define SAME(result, name, parameters, call)	\
	result name parameters;			\
	EXPORT result name parameters		\
	{					\
		return call;			\
	}

SAME(void *, tc_malloc_skip_new_handler, (size_t size), malloc_inline(size))
SAME(void *, tc_valloc, (size_t size), hak_valloc(size))
SAME(void *, tc_pvalloc, (size_t size), hak_pvalloc(size))
SAME(size_t, tc_nallocx, (size_t size, int flags), hak_nallocx(size, flags))
SAME(void, tc_cfree, (void *block), free_inline(block))
SAME(void, tc_free_sized, (void *block, size_t size), free_sized_inline(block, size))

/* C++'s, for which others know them; none fails but by an exception. */
void *_Znwm(size_t size);
void *_ZnwmRKSt9nothrow_t(size_t size, const void *nothrow);
void *_ZnwmSt11align_val_t(size_t size, size_t alignment);
void *_ZnwmSt11align_val_tRKSt9nothrow_t(size_t size, size_t alignment, const void *nothrow);

#define NEWS(suffix)									\
	SAME(void *, tc_new##suffix, (size_t size), _Znwm(size))			\
	SAME(void *, tc_new##suffix##_nothrow, (size_t size, const void *nothrow),	\
	     _ZnwmRKSt9nothrow_t(size, nothrow))					\
	SAME(void *, tc_new##suffix##_aligned, (size_t size, size_t alignment),		\
	     _ZnwmSt11align_val_t(size, alignment))					\
	SAME(void *, tc_new##suffix##_aligned_nothrow,					\
	     (size_t size, size_t alignment, const void *nothrow),			\
	     _ZnwmSt11align_val_tRKSt9nothrow_t(size, alignment, nothrow))

NEWS()
NEWS(array)

#define UNUSED	__attribute__((unused))

#define DELETES(suffix)									\
	SAME(void, tc_delete##suffix, (void *block), free_inline(block))		\
	SAME(void, tc_delete##suffix##_sized, (void *block, size_t size),		\
	     free_sized_inline(block, size))						\
	SAME(void, tc_delete##suffix##_nothrow, (void *block, UNUSED const void *nothrow), \
	     free_inline(block))							\
	SAME(void, tc_delete##suffix##_aligned, (void *block, UNUSED size_t alignment),	\
	     free_inline(block))							\
	SAME(void, tc_delete##suffix##_sized_aligned,					\
	     (void *block, UNUSED size_t size, UNUSED size_t alignment), free_inline(block)) \
	SAME(void, tc_delete##suffix##_aligned_nothrow,					\
	     (void *block, UNUSED size_t alignment, UNUSED const void *nothrow), free_inline(block))

DELETES()
DELETES(array)

/* As counters of mallctl, which are of this moment once the epoch was written. */
static const struct {
	const char *name, *counter;
} properties[] = {
	{ "generic.current_allocated_bytes", "stats.allocated" },
	{ "generic.heap_size", "stats.resident" },
	{ "generic.total_physical_bytes", "stats.resident" },
	{ "tcmalloc.pageheap_unmapped_bytes", "stats.retained" },
	{ "tcmalloc.current_total_thread_cache_bytes", "stats.arenas.0.tcache_bytes" },
};

/* 1: there is one of the name. */
EXPORT int MallocExtension_GetNumericProperty(const char *name, size_t *value)
{
	uint64_t epoch = 1;

	for (size_t i = 0; i < ARRAY_LENGTH(properties); i++) {
		if (strcmp(name, properties[i].name) != 0)
			continue;
		mallctl_by_name("epoch", NULL, NULL, &epoch, sizeof(epoch));
		*value = mallctl_number(properties[i].counter);
		return 1;
	}
	return 0;
}

/* None can be set. */
EXPORT int MallocExtension_SetNumericProperty(const char *name, size_t value)
{
	(void)name;
	(void)value;
	return 0;
}

/* By this way the properties know of it at once. */
EXPORT void MallocExtension_ReleaseFreeMemory(void)
{
	mallctl_by_name("arena.0.purge", NULL, NULL, NULL, 0);
}

/* More than so many bytes may go. */
EXPORT void MallocExtension_ReleaseToSystem(size_t bytes)
{
	if (bytes)
		MallocExtension_ReleaseFreeMemory();
}

EXPORT void MallocExtension_MarkThreadIdle(void)
{
	mallctl_by_name("thread.tcache.flush", NULL, NULL, NULL, 0);
}

EXPORT void MallocExtension_MarkThreadBusy(void)
{
}

/* For a moment only: its cache is taken from it anyway while it does nothing. */
EXPORT void MallocExtension_MarkThreadTemporarilyIdle(void)
{
}
