/* SPDX-License-Identifier: MIT */
/*
 * override_dl.c - dlopen and dlmopen without RTLD_DEEPBIND. A library opened with it would find the
 * C library's own free before ours, and pass it what the C library took from us.
 *
 * The C library looks at who calls: from there come the folders to search, $ORIGIN and the
 * namespace. So it is jumped to, with our caller's return address in place.
 */
#include <config.h>

#include <dlfcn.h>
#include <link.h>
#include <stdatomic.h>
#include <stddef.h>

#include "support/compiler.h"

typedef void *open_function(const char *file, int mode);
typedef void *open_in_function(Lmid_t space, const char *file, int mode);

_Static_assert(RTLD_DEEPBIND == 8 && LM_ID_BASE == 0, "the numbers below");

/* For what follows. NULL: there is none, in a C library that has them elsewhere. */
HIDDEN __attribute__((used)) open_function *override_dl_next_open(void);
HIDDEN __attribute__((used)) open_in_function *override_dl_next_open_in(void);

open_function *override_dl_next_open(void)
{
	return (open_function *)dlsym(RTLD_NEXT, "dlopen");
}

open_in_function *override_dl_next_open_in(void)
{
	return (open_in_function *)dlsym(RTLD_NEXT, "dlmopen");
}

/* FUNCTION(name, next, what is done to the arguments) */
#if defined(__x86_64__)

#ifdef __CET__
#define LANDING	"endbr64\n"
#else
#define LANDING
#endif

#define FUNCTION(name, next, change)				\
	__asm__(".text\n"					\
		".p2align 4\n"					\
		".globl " name "\n"				\
		".type " name ", @function\n"			\
		name ":\n"					\
		".cfi_startproc\n"				\
		LANDING						\
		"push %rdi\n"					\
		".cfi_adjust_cfa_offset 8\n"			\
		"push %rsi\n"					\
		".cfi_adjust_cfa_offset 8\n"			\
		"push %rdx\n"					\
		".cfi_adjust_cfa_offset 8\n"			\
		"call " next "\n"				\
		"pop %rdx\n"					\
		".cfi_adjust_cfa_offset -8\n"			\
		"pop %rsi\n"					\
		".cfi_adjust_cfa_offset -8\n"			\
		"pop %rdi\n"					\
		".cfi_adjust_cfa_offset -8\n"			\
		"test %rax, %rax\n"				\
		"jz 2f\n"					\
		change						\
		"1: jmp *%rax\n"				\
		"2: ret\n"					\
		".cfi_endproc\n"				\
		".size " name ", .-" name "\n")

FUNCTION("dlopen", "override_dl_next_open", "and $~8, %esi\n");
FUNCTION("dlmopen", "override_dl_next_open_in",
	 "test %rdi, %rdi\n"
	 "jnz 1f\n"
	 "and $~8, %edx\n");

#elif defined(__aarch64__)

#define FUNCTION(name, next, change)				\
	__asm__(".text\n"					\
		".p2align 2\n"					\
		".globl " name "\n"				\
		".type " name ", %function\n"			\
		name ":\n"					\
		".cfi_startproc\n"				\
		"hint #34\n"					\
		"stp x29, x30, [sp, #-48]!\n"			\
		".cfi_def_cfa_offset 48\n"			\
		".cfi_offset 29, -48\n"				\
		".cfi_offset 30, -40\n"				\
		"mov x29, sp\n"					\
		"stp x0, x1, [sp, #16]\n"			\
		"str x2, [sp, #32]\n"				\
		"bl " next "\n"					\
		"mov x16, x0\n"					\
		"ldp x0, x1, [sp, #16]\n"			\
		"ldr x2, [sp, #32]\n"				\
		"ldp x29, x30, [sp], #48\n"			\
		".cfi_restore 29\n"				\
		".cfi_restore 30\n"				\
		".cfi_def_cfa_offset 0\n"			\
		"cbz x16, 2f\n"					\
		change						\
		"1: br x16\n"					\
		"2: mov x0, #0\n"				\
		"ret\n"						\
		".cfi_endproc\n"				\
		".size " name ", .-" name "\n")

FUNCTION("dlopen", "override_dl_next_open", "and w1, w1, #0xfffffff7\n");
FUNCTION("dlmopen", "override_dl_next_open_in",
	 "cbnz x0, 1f\n"
	 "and w2, w2, #0xfffffff7\n");

#endif	/* elsewhere the C library's own are left in place */
