/* SPDX-License-Identifier: MIT */
/*
 * task_clone.c - see task_clone.h. The function and its argument wait on the new stack.
 */
#include <config.h>

#include "os/task_clone.h"

#include <errno.h>
#include <string.h>

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)

#include <pthread.h>
#include <signal.h>

#include "support/system_call.h"

/* Their code keeps its own records behind the thread pointer: there it is a thread after all. */
struct thread_start {
	void (*body)(void *argument);
	void *argument;
	_Atomic uint32_t *word;
};

static void *run_thread(void *argument)
{
	struct thread_start start = *(struct thread_start *)argument;

	/* release: pairs with the acquire in task_clone */
	atomic_store_explicit(start.word, (uint32_t)system_call(SYS_gettid), memory_order_release);
	start.body(start.argument);
	atomic_store_explicit(start.word, 0, memory_order_release);
	return NULL;
}

long task_clone(unsigned long flags, void *stack_end, _Atomic uint32_t *word,
		uintptr_t thread_pointer, void (*body)(void *argument), void *argument)
{
	struct thread_start start = { body, argument, word };
	pthread_t thread;
	int error;

	(void)flags, (void)stack_end, (void)thread_pointer;
	error = pthread_create(&thread, NULL, run_thread, &start);
	if (error)
		return -error;
	pthread_detach(thread);
	while (!atomic_load_explicit(word, memory_order_acquire))
		system_call(SYS_sched_yield);
	return atomic_load_explicit(word, memory_order_relaxed);
}

void task_clone_prepare(uintptr_t thread_pointer)
{
	(void)thread_pointer;
}

void task_clone_end(void)
{
	pthread_exit(NULL);
}

#else

#include "support/system_call.h"

void task_clone_end(void)
{
	for (;;)
		system_call(SYS_exit_group, 0);
}

#if defined(__x86_64__)

/* clone(flags, stack, parent's word, child's word, thread pointer): rdi rsi rdx r10 r8. */
__asm__(".text\n"
	".p2align 4\n"
	".globl task_clone\n"
	".hidden task_clone\n"
	".type task_clone, @function\n"
	"task_clone:\n"
	".cfi_startproc\n"
#ifdef __CET__
	"endbr64\n"
#endif
	"and $-16, %rsi\n"
	"sub $16, %rsi\n"
	"mov %r8, (%rsi)\n"
	"mov %r9, 8(%rsi)\n"
	"mov %rdx, %r10\n"
	"mov %rcx, %r8\n"
	"mov $56, %eax\n"
	"syscall\n"
	"test %rax, %rax\n"
	"jz 1f\n"
	"ret\n"
	".cfi_undefined %rip\n"		/* nobody called it */
	"1: xor %ebp, %ebp\n"
	"pop %rax\n"
	"pop %rdi\n"
	"call *%rax\n"
	"xor %edi, %edi\n"
	"mov $60, %eax\n"
	"syscall\n"
	"hlt\n"
	".cfi_endproc\n"
	".size task_clone, .-task_clone\n");

/* System V ABI, AMD64 supplement: the pointer to itself; glibc and gcc: canaries at 0x28, 0x30. */
void task_clone_prepare(uintptr_t thread_pointer)
{
	const char *own = __builtin_thread_pointer();
	uintptr_t *words = (uintptr_t *)thread_pointer;

	words[0] = words[2] = thread_pointer;
	memcpy(&words[5], own + 0x28, 2 * sizeof(words[5]));
}

#elif defined(__aarch64__)

/* clone(flags, stack, parent's word, thread pointer, child's word): x0 to x4. */
__asm__(".text\n"
	".p2align 2\n"
	".globl task_clone\n"
	".hidden task_clone\n"
	".type task_clone, %function\n"
	"task_clone:\n"
	".cfi_startproc\n"
	"hint #34\n"
	"and x1, x1, #-16\n"
	"stp x4, x5, [x1, #-16]!\n"
	"mov x4, x2\n"
	"mov x8, #220\n"
	"svc #0\n"
	"cbz x0, 1f\n"
	"ret\n"
	".cfi_undefined x30\n"		/* nobody called it */
	"1: mov x29, #0\n"
	"ldp x1, x0, [sp], #16\n"
	"blr x1\n"
	"mov x0, #0\n"
	"mov x8, #93\n"
	"svc #0\n"
	"brk #0\n"
	".cfi_endproc\n"
	".size task_clone, .-task_clone\n");

void task_clone_prepare(uintptr_t thread_pointer)
{
	(void)thread_pointer;
}

#else

long task_clone(unsigned long flags, void *stack_end, _Atomic uint32_t *word,
		uintptr_t thread_pointer, void (*body)(void *argument), void *argument)
{
	(void)flags, (void)stack_end, (void)word, (void)thread_pointer, (void)body, (void)argument;
	return -ENOSYS;
}

void task_clone_prepare(uintptr_t thread_pointer)
{
	(void)thread_pointer;
}

#endif

#endif
