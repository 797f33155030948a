/* SPDX-License-Identifier: MIT */
/*
 * kernel_abi.h - constants newer than the headers that we build with, each with the kernel
 * that brought it.
 */
#ifndef HAKMEM_OS_KERNEL_ABI_H
#define HAKMEM_OS_KERNEL_ABI_H

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP	4	/* Linux 5.7 */
#endif
#ifndef MADV_COLD
#define MADV_COLD		20	/* Linux 5.4 */
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED	24	/* Linux 5.18 */
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL	102	/* Linux 6.13 */
#define MADV_GUARD_REMOVE	103
#endif

#endif
