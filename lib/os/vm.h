/* SPDX-License-Identifier: MIT */
/*
 * vm.h - the memory system calls, and what pages the machine has. A call returns 0 or -errno and
 * leaves errno alone. Addresses and lengths are multiples of the page size; what discards or
 * replaces contents refuses others with -EINVAL itself, for the kernel rounds lengths up.
 *
 * Who may run with whom: anyone with anyone; whose the memory is, is the caller's affair.
 */
#ifndef HAKMEM_OS_VM_H
#define HAKMEM_OS_VM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/arch.h"
#include "support/compiler.h"
#include "support/page_size.h"

/* The size of a base page in bytes. */
static inline size_t vm_page_size(void)
{
	return page_size();
}

/* Of a huge page: what one page of page table entries is for. 32 MiB where pages are 16 KiB. */
static inline size_t vm_huge_page_bytes(void)
{
	return vm_page_size() / sizeof(uint64_t) * vm_page_size();
}

/* transparent_hugepage/enabled says never; also where the kernel has none. */
bool vm_has_no_huge_pages(void);

/* False: one would hold many superslabs, all populated by one touch, and none goes back alone. */
static inline bool vm_huge_pages_fit(void)
{
	return vm_huge_page_bytes() == ARCH_HUGE_PAGE_BYTES;
}

/* Address space without memory behind it: PROT_NONE, MAP_NORESERVE. */
int vm_reserve(size_t bytes, void **start);

/* What a process of this machine has, in bytes: a power of two. */
size_t vm_address_space(void);

/*
 * Address space of which nothing is mapped, so that neither a limit counts it nor a core dump
 * holds it: a place at random where neither the kernel nor programs put anything; vm_open maps.
 * Once, before the first vm_open. -errno: there is no such place.
 */
int vm_reserve_unmapped(size_t bytes, void **start);

/* Of what is mapped, or mapped to be written, in bytes; SIZE_MAX: none. */
size_t vm_limit(void);

/*
 * Whole pages of memory that a fork's child, made by whatever call, finds zeroed (Linux 4.14).
 * *wipe_error: -errno if it will find what is there instead.
 */
int vm_map_wiped_on_fork(void **start, size_t bytes, int *wipe_error);

/*
 * Makes reserved pages readable and writable; they are zero on first touch. After
 * vm_reserve_unmapped -EEXIST, if there is anything already, whose ever it is. The inverse, for
 * what may have been opened; after vm_reserve nothing happens.
 */
int vm_open(void *start, size_t bytes);
/* The same, without huge pages until they are asked for. */
int vm_open_small(void *start, size_t bytes);
void vm_close(void *start, size_t bytes);
/* Something is mapped at every page of the range. */
bool vm_is_mapped(void *start, size_t bytes);

/* Makes pages that are mapped writable again. */
int vm_allow(void *start, size_t bytes);

/* Drops the pages; the next touch finds zeroes. Also for mlock()ed ranges, where the kernel can. */
int vm_drop(void *start, size_t bytes);

/* The same, but -EINVAL where a page of it is mlock()ed. */
int vm_drop_unlocked(void *start, size_t bytes);

/* Says that pages are not used for now; part of a huge page is split off it. */
int vm_cool(void *start, size_t bytes);

/*
 * Faults in what is missing and changes no contents. The whole process's mmap and mprotect
 * wait meanwhile: in small pieces only (Linux 5.14).
 */
int vm_populate(void *start, size_t bytes);

/*
 * Guard pages (MADV_GUARD_INSTALL, Linux 6.13): what is there is dropped, and a touch is a
 * SIGSEGV until vm_unguard, after which it is zero. No mapping is split.
 */
int vm_guard(void *start, size_t bytes);
int vm_unguard(void *start, size_t bytes);

/* Asks for huge pages on first touch. */
int vm_want_huge(void *start, size_t bytes);
/* Asks for small ones, also where the machine gives huge pages to everybody. */
int vm_refuse_huge(void *start, size_t bytes);

/*
 * Makes sure that an open range is mapped, after a vm_move to it failed: 0, or -errno if
 * something else lies there by now.
 */
int vm_map_again(void *start, size_t bytes);

/* Fresh pages in the place of what is mapped, whatever the program has made of it. */
int vm_map_anew(void *start, size_t bytes);

/*
 * In a fork's child: parts of an open range that the program kept out of it (MADV_DONTFORK) are
 * mapped, and zero. One call where none is missing. 0, or -errno.
 */
int vm_map_missing(void *start, size_t bytes);

/*
 * Moves the pages of one open range to another, whose own are dropped. The source stays
 * open and reads as zero (MREMAP_DONTUNMAP, Linux 5.7). Splits mappings: see mremap(2).
 */
int vm_move(void *from, void *to, size_t bytes);

/* Memory system calls since the start, by the helper and by all others. */
size_t vm_calls_of_application(void);
size_t vm_calls_of_helper(void);
/* For hak_outline alone: by [helper]. */
extern _Atomic size_t vm_calls[2] HIDDEN;	/* relaxed: counts */
/* The calling thread is the helper. */
void vm_count_as_helper(void);

/*
 * Populates a huge page, if the kernel has one for the range. So that the cache has what is
 * touched, the kernel clears that part after all others, from the far end on (folio_zero_user()
 * in mm/memory.c): upwards, which is faster, if the page's end is touched.
 */
static inline void vm_touch_huge(char *start)
{
	*(volatile char *)(start + ARCH_HUGE_PAGE_BYTES - 1) = 0;
}

#endif
