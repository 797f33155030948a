/* SPDX-License-Identifier: MIT */
/*
 * prefixed.h - malloc and its kin under a prefix, of a libhakmem-api that was configured
 * --with-name-prefix=PREFIX. HAKMEM_PREFIX is to be defined as the same before this is included.
 * Each is the hak_ function of its name: see hakmem.h.
 */
#ifndef HAKMEM_PREFIXED_H
#define HAKMEM_PREFIXED_H

#include <stddef.h>

#define HAKMEM_NAME_OF(prefix, name)	prefix##name
#define HAKMEM_NAME_BY(prefix, name)	HAKMEM_NAME_OF(prefix, name)
#define HAKMEM_NAME(name)		HAKMEM_NAME_BY(HAKMEM_PREFIX, name)

#ifdef __cplusplus
extern "C" {
#endif

void *HAKMEM_NAME(malloc)(size_t size)
	__attribute__((malloc, alloc_size(1), warn_unused_result));
void *HAKMEM_NAME(calloc)(size_t count, size_t size)
	__attribute__((malloc, alloc_size(1, 2), warn_unused_result));
void *HAKMEM_NAME(realloc)(void *block, size_t size)
	__attribute__((alloc_size(2), warn_unused_result));
void *HAKMEM_NAME(reallocarray)(void *block, size_t count, size_t size)
	__attribute__((alloc_size(2, 3), warn_unused_result));
void HAKMEM_NAME(free)(void *block);
void HAKMEM_NAME(free_sized)(void *block, size_t size);
void HAKMEM_NAME(free_aligned_sized)(void *block, size_t alignment, size_t size);
int HAKMEM_NAME(posix_memalign)(void **place, size_t alignment, size_t size);
void *HAKMEM_NAME(aligned_alloc)(size_t alignment, size_t size)
	__attribute__((malloc, alloc_align(1), alloc_size(2), warn_unused_result));
void *HAKMEM_NAME(memalign)(size_t alignment, size_t size)
	__attribute__((malloc, alloc_size(2), warn_unused_result));
void *HAKMEM_NAME(valloc)(size_t size)
	__attribute__((malloc, alloc_size(1), warn_unused_result));
void *HAKMEM_NAME(pvalloc)(size_t size) __attribute__((malloc, warn_unused_result));
size_t HAKMEM_NAME(malloc_usable_size)(void *block);
int HAKMEM_NAME(malloc_trim)(size_t pad);

#ifdef __cplusplus
}
#endif

#endif
