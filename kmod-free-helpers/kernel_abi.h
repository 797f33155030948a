/* SPDX-License-Identifier: MIT */
/*
 * Kernel constants that may be newer than the headers we are built with, each with the
 * kernel that brought it. Included by the files of this folder only. Macros of the
 * kernel's are completed under their own names; what the kernel declares as an enum or
 * a struct has a name of ours, so that older and newer headers both compile.
 */
#ifndef HAKMEM_KERNEL_ABI_H
#define HAKMEM_KERNEL_ABI_H

#include <linux/ioctl.h>
#include <linux/types.h>
#include <linux/userfaultfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1 /* 5.11 */
#endif
#ifndef UFFD_FEATURE_EXACT_ADDRESS
#define UFFD_FEATURE_EXACT_ADDRESS (1 << 11) /* 5.18 */
#endif
#ifndef USERFAULTFD_IOC_NEW
#define USERFAULTFD_IOC_NEW _IO(0xAA, 0x00) /* 6.1, of /dev/userfaultfd */
#endif
#ifndef UFFD_FEATURE_WP_ASYNC
#define UFFD_FEATURE_WP_ASYNC (1 << 15) /* 6.7 */
#endif
#ifndef UFFD_FEATURE_MOVE
#define UFFD_FEATURE_MOVE (1 << 16) /* 6.8 */
#endif
#ifndef MADV_COLD
#define MADV_COLD 20 /* 5.4 */
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24 /* 5.18 */
#endif
#ifndef SYS_process_madvise
#define SYS_process_madvise 440 /* 5.10 */
#endif
#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE (1U << 1) /* 5.9 */
#endif
#ifndef SYS_close_range
#define SYS_close_range 436 /* 5.9 */
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434 /* 5.3 */
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438 /* 5.6 */
#endif

/* 6.8: the argument of UFFDIO_MOVE; moved is bytes, or -errno if nothing moved. */
struct kernel_abi_move {
	__u64 to;
	__u64 from;
	__u64 length_bytes;
	__u64 mode;
	__s64 moved;
};

#define KERNEL_ABI_UFFDIO_MOVE _IOWR(UFFDIO, 0x05, struct kernel_abi_move)

/* 6.7: waiting for a futex word in a ring; its flags are those of futex2 calls. */
#define KERNEL_ABI_RING_FUTEX_WAIT 51
#define KERNEL_ABI_FUTEX2_SIZE_U32 0x02
#define KERNEL_ABI_FUTEX2_PRIVATE  128

#endif
