/* SPDX-License-Identifier: MIT */
/*
 * hakmem.h - the public functions of libhakmem.
 *
 * The library replaces malloc and its kin under their own names in every program that it is
 * preloaded into or linked with. The hak_ names below are the same functions: a block may be
 * allocated by either name and freed by either. libhakmem-api has the hak_ names alone, for
 * programs that keep the malloc that they have; its blocks are not for that malloc's free.
 *
 * Sizes are bytes. A block is aligned to 16 bytes at least. On failure the result is NULL and
 * errno is ENOMEM; sizes above PTRDIFF_MAX fail. errno is left alone by what succeeds and by
 * hak_free. Passing a pointer that is not the start of a live block ends the process with a
 * message on standard error. See hakmem(3).
 */
#ifndef HAKMEM_HAKMEM_H
#define HAKMEM_HAKMEM_H

#include <stddef.h>

/* Of this header. hak_version() is the library's, which may be another. */
#define HAK_VERSION		"0.1.0"
#define HAK_VERSION_NUMBER	100	/* major * 10000 + minor * 100 + patch */

#ifdef __cplusplus
extern "C" {
#endif

/* size 0: a unique block that can be freed. */
void *hak_malloc(size_t size) __attribute__((malloc, alloc_size(1), warn_unused_result));
/* count * size bytes of zeroes. */
void *hak_calloc(size_t count, size_t size)
	__attribute__((malloc, alloc_size(1, 2), warn_unused_result));
/* block NULL: hak_malloc(size). size 0: frees the block, returns NULL. */
void *hak_realloc(void *block, size_t size) __attribute__((alloc_size(2), warn_unused_result));
void *hak_reallocarray(void *block, size_t count, size_t size)
	__attribute__((alloc_size(2, 3), warn_unused_result));
/* block NULL: nothing. */
void hak_free(void *block);
/* C23: the size, or alignment and size, that the block was asked for with. */
void hak_free_sized(void *block, size_t size);
void hak_free_aligned_sized(void *block, size_t alignment, size_t size);

/* 0, EINVAL (alignment not a power of two times sizeof(void *)) or ENOMEM; errno is kept. */
int hak_posix_memalign(void **place, size_t alignment, size_t size);
/* alignment: a power of two; otherwise NULL with EINVAL. */
void *hak_aligned_alloc(size_t alignment, size_t size)
	__attribute__((malloc, alloc_align(1), alloc_size(2), warn_unused_result));
/* alignment: rounded up to a power of two. */
void *hak_memalign(size_t alignment, size_t size)
	__attribute__((malloc, alloc_size(2), warn_unused_result));
/* Aligned to a page; hak_pvalloc also rounds the size up to pages. */
void *hak_valloc(size_t size) __attribute__((malloc, alloc_size(1), warn_unused_result));
void *hak_pvalloc(size_t size) __attribute__((malloc, warn_unused_result));

/* How many bytes of the block may be used: what was asked for, or more. NULL: 0. */
size_t hak_malloc_usable_size(void *block);

/*
 * Allocation with flags, in the shape of jemalloc's extended functions. flags: 0, or one of the
 * alignments and any of the others, added up.
 *   HAK_LG_ALIGN(n)  HAK_ALIGN(bytes)   aligned to 2^n, or to a power of two
 *   HAK_ZERO                            zeroes; for rallocx and xallocx, what is added is
 *   HAK_UNCACHED                        out of the fullest slab, not out of the thread's cache;
 *                                       for dallocx, back at once. See hak_defrag_hint
 *   HAK_NODE(node)                      memory of a NUMA node, numbered as the kernel does;
 *                                       of the nearest that this process may use
 */
#define HAK_LG_ALIGN(n)		((int)(n))
#define HAK_ALIGN(bytes)	((int)__builtin_ctzl(bytes))
#define HAK_ZERO		0x40
#define HAK_UNCACHED		0x80
#define HAK_NODE(node)		(((int)(node) + 1) << 8)

void *hak_mallocx(size_t size, int flags)
	__attribute__((malloc, alloc_size(1), warn_unused_result));
/* NULL: the block is as it was. size 0: the smallest block. */
void *hak_rallocx(void *block, size_t size, int flags)
	__attribute__((alloc_size(2), warn_unused_result));
/* Stays where it is: to size + extra bytes if it can, else to size, else not at all. Its size. */
size_t hak_xallocx(void *block, size_t size, size_t extra, int flags);
/* How many bytes of the block may be used. */
size_t hak_sallocx(const void *block, int flags);
void hak_dallocx(void *block, int flags);
/* size: what it was asked for with, or more up to hak_sallocx. */
void hak_sdallocx(void *block, size_t size, int flags);
/* What hak_sallocx would say of a block of size, at the least; 0: there can be none. */
size_t hak_nallocx(size_t size, int flags);

/*
 * 1: the block lies in a slab that is emptier than most, and memory comes free when it is moved:
 * copied into a block of hak_mallocx(hak_sallocx(block, 0), HAK_UNCACHED), then freed with
 * hak_dallocx(block, HAK_UNCACHED). 0: it should stay. Takes no lock and reads no block; a program
 * may ask it of all that it has.
 */
int hak_defrag_hint(const void *block);

/*
 * Heaps of one's own. What is allocated from one is a block like any other, for hak_free as
 * well, but for this: hak_heap_destroy frees all that is left, at once. Any number of threads
 * may allocate from one heap; nobody may use it, or its blocks, while it is destroyed or after.
 * A block that hak_realloc has to move leaves the heap.
 *   create   flags: 0, memory of the node that the calling thread is on; or HAK_NODE(node)
 *   allocx   flags: as for hak_mallocx, but for HAK_NODE, which is the heap's
 *   destroy  NULL: nothing. Takes longer the larger the process's heap is
 */
struct hak_heap;

struct hak_heap *hak_heap_create(int flags) __attribute__((warn_unused_result));
void *hak_heap_alloc(struct hak_heap *heap, size_t size)
	__attribute__((malloc, alloc_size(2), warn_unused_result));
void *hak_heap_allocx(struct hak_heap *heap, size_t size, int flags)
	__attribute__((malloc, alloc_size(2), warn_unused_result));
void hak_heap_destroy(struct hak_heap *heap);

/* A block of size bytes or more; *usable: how many may be used, 0 when it fails. */
void *hak_alloc_at_least(size_t size, size_t *usable)
	__attribute__((malloc, alloc_size(1), warn_unused_result));

/*
 * Gives back to the system what the program does not use, now and on the caller's time: free
 * large runs, free slabs, whole pages between live blocks, and, where a helper runs, the
 * caches of threads that are not in the middle of an allocation. Returns the bytes. Without
 * being asked, the helper does the same for what was not used for a while.
 */
size_t hak_purge(void);

/* hak_purge; 1: something went back; 0: nothing did. pad is accepted and ignored. */
int hak_malloc_trim(size_t pad);

/*
 * Counters and knobs by name, the same as hakctl list, get and set have. *value (unless NULL)
 * becomes the counter's or the knob's value, of a word its place among the words; change (unless
 * NULL) is written as in HAKMEM_OPTIONS: "2G", "none", "abort". 0, or ENOENT: no such name, EPERM:
 * it cannot be changed, EINVAL: not with this value.
 */
int hak_ctl(const char *name, size_t *value, const char *change);

/*
 * A counter by name, such as "asked_bytes" or "moved_bytes"; bytes where the name
 * says so. (size_t)-1: there is none of that name.
 */
size_t hak_stats_read(const char *name);

/* Moves pages that are on another NUMA node than they should be, where there is room. The bytes. */
size_t hak_bring_home(void);

/* As HAK_VERSION. */
const char *hak_version(void);

/* Writes one line, terminated: how memory is populated in this process, and why not better. */
void hak_mode(char *text, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif
