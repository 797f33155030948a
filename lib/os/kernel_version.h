/* SPDX-License-Identifier: MIT */
/*
 * kernel_version.h - which kernel this is, where that decides before anything can be asked of it.
 *
 * Who may run with whom: anyone with anyone.
 */
#ifndef HAKMEM_OS_KERNEL_VERSION_H
#define HAKMEM_OS_KERNEL_VERSION_H

#include <stdint.h>

/* As the kernel writes it: 0x060c00 is 6.12. 0: it does not say. */
uint32_t kernel_version(void);

#endif
