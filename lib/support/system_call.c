/* SPDX-License-Identifier: MIT */
/*
 * system_call.c - see system_call.h. The kernel takes the number and the arguments one register
 * further than a function does; each machine's rows move them there.
 */
#include <config.h>

#include "support/system_call.h"

#if defined(__x86_64__)

/* syscall(2): rax; rdi rsi rdx r10 r8 r9. rcx and r11 are lost. */
__asm__(".text\n"
	".p2align 4\n"
	".globl system_call\n"
	".hidden system_call\n"
	".type system_call, @function\n"
	"system_call:\n"
	".cfi_startproc\n"
#ifdef __CET__
	"endbr64\n"
#endif
	"mov %rdi, %rax\n"
	"mov %rsi, %rdi\n"
	"mov %rdx, %rsi\n"
	"mov %rcx, %rdx\n"
	"mov %r8, %r10\n"
	"mov %r9, %r8\n"
	"mov 8(%rsp), %r9\n"
	"syscall\n"
	"ret\n"
	".cfi_endproc\n"
	".size system_call, .-system_call\n");

#elif defined(__aarch64__)

/* syscall(2): x8; x0 to x5. Variadic arguments are passed as others are. */
__asm__(".text\n"
	".p2align 2\n"
	".globl system_call\n"
	".hidden system_call\n"
	".type system_call, %function\n"
	"system_call:\n"
	".cfi_startproc\n"
	"hint #34\n"	/* bti c, where the processor knows it */
	"mov x8, x0\n"
	"mov x0, x1\n"
	"mov x1, x2\n"
	"mov x2, x3\n"
	"mov x3, x4\n"
	"mov x4, x5\n"
	"mov x5, x6\n"
	"svc #0\n"
	"ret\n"
	".cfi_endproc\n"
	".size system_call, .-system_call\n");

#elif defined(__riscv) && __riscv_xlen == 64

/* syscall(2): a7; a0 to a5. */
__asm__(".text\n"
	".p2align 2\n"
	".globl system_call\n"
	".hidden system_call\n"
	".type system_call, @function\n"
	"system_call:\n"
	".cfi_startproc\n"
	"mv a7, a0\n"
	"mv a0, a1\n"
	"mv a1, a2\n"
	"mv a2, a3\n"
	"mv a3, a4\n"
	"mv a4, a5\n"
	"mv a5, a6\n"
	"ecall\n"
	"ret\n"
	".cfi_endproc\n"
	".size system_call, .-system_call\n");

#else

#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

/* Not on a thread pointer of our own: no helper runs there. */
long system_call(long number, ...)
{
	int saved_errno = errno;
	long argument[6], result;
	va_list arguments;
	unsigned i;

	va_start(arguments, number);
	for (i = 0; i < ARRAY_LENGTH(argument); i++)
		argument[i] = va_arg(arguments, long);
	va_end(arguments);
	result = syscall(number, argument[0], argument[1], argument[2], argument[3], argument[4],
			 argument[5]);
	if (result == -1)
		result = -errno;
	errno = saved_errno;
	return result;
}

#endif
