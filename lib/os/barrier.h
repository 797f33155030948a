/* SPDX-License-Identifier: MIT */
/*
 * barrier.h - a memory barrier in every running thread of the process at once, so that the
 * fast paths need none of their own: membarrier(2), private and expedited (Linux 4.14).
 */
#ifndef HAKMEM_OS_BARRIER_H
#define HAKMEM_OS_BARRIER_H

#include <stdbool.h>

/*
 * Registers the process; anyone, any number of times. 0, or -errno. Only after it has succeeded
 * does barrier_in_all_threads make a system call, so where a filter may kill for it nobody asks.
 */
int barrier_init(void);

/*
 * When it returns true, every thread has passed a full barrier since the call; what the
 * caller wrote before is visible to what they do after theirs. False: the kernel refused, or
 * barrier_init never succeeded.
 */
bool barrier_in_all_threads(void);

#endif
