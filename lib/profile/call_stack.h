/* SPDX-License-Identifier: MIT */
/*
 * call_stack.h - who called: the return addresses of the calling thread, without those of the
 * allocator itself.
 *
 * Who may run with whom: anyone, at any moment, each for itself: no lock, no allocation, and no
 * word is read that the kernel has not been asked for, page by page; a stack that is half built
 * ends where it makes no sense.
 */
#ifndef HAKMEM_PROFILE_CALL_STACK_H
#define HAKMEM_PROFILE_CALL_STACK_H

#include <stdint.h>

void call_stack_begin(void);

/* Innermost first; returns how many, most at the most. */
unsigned call_stack_read(uint64_t *frames, unsigned most);

#endif
