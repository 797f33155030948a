/* SPDX-License-Identifier: MIT */
/*
 * kernel_abi.h - constants and structs newer than the headers that we build with, each with
 * the kernel that brought it. For hakctl and the tests, too.
 */
#ifndef HAKMEM_OS_KERNEL_ABI_H
#define HAKMEM_OS_KERNEL_ABI_H

#include <linux/audit.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#ifndef SYS_process_madvise
#define SYS_process_madvise	440	/* Linux 5.10 */
#endif
#ifndef SYS_close_range
#define SYS_close_range		436	/* Linux 5.9 */
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd		438	/* Linux 5.6 */
#endif

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP	4	/* Linux 5.7 */
#endif
#ifndef MADV_COLD
#define MADV_COLD		20	/* Linux 5.4 */
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE	23	/* Linux 5.14 */
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED	24	/* Linux 5.18 */
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL	102	/* Linux 6.13 */
#define MADV_GUARD_REMOVE	103
#endif

/* What a seccomp filter sees as seccomp_data's arch. */
#if defined(__x86_64__)
#define KERNEL_ABI_MACHINE	AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define KERNEL_ABI_MACHINE	AUDIT_ARCH_AARCH64
#else
#define KERNEL_ABI_MACHINE	0	/* there is no helper */
#endif

/* Of clone3(2), Linux 5.3: what it began with. */
struct kernel_abi_clone {
	uint64_t flags, process_descriptor, child_word, parent_word, exit_signal, stack,
		stack_bytes, thread_pointer;
};

#define KERNEL_ABI_CLEAR_SIGHAND	0x100000000ull	/* CLONE_CLEAR_SIGHAND, Linux 5.5 */

/* Of sched_setattr(2), Linux 3.14; <linux/sched/types.h> cannot stand beside <sched.h>. */
struct kernel_abi_scheduling {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t turn_ns, deadline_ns, period_ns;
};

/* PAGEMAP_SCAN of ioctl_pagemap_scan(2), Linux 6.7. */
struct kernel_abi_page_region {
	uint64_t start, end, categories;
};

struct kernel_abi_page_scan {
	uint64_t size, flags, start, end, walk_end, regions, region_count, most_pages;
	uint64_t inverted, all_mask, any_mask, return_mask;
};

#define KERNEL_ABI_PAGE_SCAN		_IOWR('f', 16, struct kernel_abi_page_scan)
#define KERNEL_ABI_PAGE_WRITTEN		(1u << 1)
#define KERNEL_ABI_PAGE_PRESENT		(1u << 3)
#define KERNEL_ABI_PAGE_SWAPPED		(1u << 4)
#define KERNEL_ABI_PAGE_ZERO		(1u << 5)	/* the shared one, which takes no memory */
#define KERNEL_ABI_PAGE_HUGE		(1u << 6)
#define KERNEL_ABI_PAGE_SOFT_DIRTY	(1u << 7)
/* Flags: protect what matches; fail where protection is not asynchronous. */
#define KERNEL_ABI_PAGE_SCAN_PROTECT	(1u << 0)
#define KERNEL_ABI_PAGE_SCAN_CHECK	(1u << 1)

#endif
