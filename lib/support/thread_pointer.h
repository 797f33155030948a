/* SPDX-License-Identifier: MIT */
/*
 * thread_pointer.h - the address of the calling thread's own data, in one instruction, by whatever
 * the compiler has for it.
 */
#ifndef HAKMEM_SUPPORT_THREAD_POINTER_H
#define HAKMEM_SUPPORT_THREAD_POINTER_H

static inline void *thread_pointer_own(void)
{
#if defined(HAKMEM_NO_THREAD_POINTER) && defined(__x86_64__)	/* gcc before 11 */
	void *pointer;

	__asm__("mov %%fs:0, %0" : "=r"(pointer));
	return pointer;
#else
	return __builtin_thread_pointer();
#endif
}

#endif
