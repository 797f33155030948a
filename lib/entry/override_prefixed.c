/* SPDX-License-Identifier: MIT */
/*
 * override_prefixed.c - libc's names with a prefix, for who configures one. Part of libhakmem-api
 * then; it replaces nothing.
 */
#include <config.h>

#include <hakmem/hakmem.h>
#include <hakmem/prefixed.h>

#include "front/aligned.h"
#include "front/free.h"
#include "front/malloc.h"

EXPORT void *HAKMEM_NAME(malloc)(size_t size)
{
	return malloc_inline(size);
}

EXPORT void HAKMEM_NAME(free)(void *block)
{
	free_inline(block);
}

EXPORT void *HAKMEM_NAME(calloc)(size_t count, size_t size)
{
	return hak_calloc(count, size);
}

EXPORT void *HAKMEM_NAME(realloc)(void *block, size_t size)
{
	return hak_realloc(block, size);
}

EXPORT void *HAKMEM_NAME(reallocarray)(void *block, size_t count, size_t size)
{
	return hak_reallocarray(block, count, size);
}

EXPORT void HAKMEM_NAME(free_sized)(void *block, size_t size)
{
	hak_free_sized(block, size);
}

EXPORT void HAKMEM_NAME(free_aligned_sized)(void *block, size_t alignment, size_t size)
{
	hak_free_aligned_sized(block, alignment, size);
}

EXPORT int HAKMEM_NAME(posix_memalign)(void **place, size_t alignment, size_t size)
{
	return aligned_posix_inline(place, alignment, size);
}

EXPORT void *HAKMEM_NAME(aligned_alloc)(size_t alignment, size_t size)
{
	return aligned_alloc_inline(alignment, size);
}

EXPORT void *HAKMEM_NAME(memalign)(size_t alignment, size_t size)
{
	return aligned_memalign_inline(alignment, size);
}

EXPORT void *HAKMEM_NAME(valloc)(size_t size)
{
	return hak_valloc(size);
}

EXPORT void *HAKMEM_NAME(pvalloc)(size_t size)
{
	return hak_pvalloc(size);
}

EXPORT size_t HAKMEM_NAME(malloc_usable_size)(void *block)
{
	return hak_malloc_usable_size(block);
}

EXPORT int HAKMEM_NAME(malloc_trim)(size_t pad)
{
	return hak_malloc_trim(pad);
}
