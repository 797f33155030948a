/* SPDX-License-Identifier: MIT */
/*
 * task_clone.c - see task_clone.h. The function and its argument wait on the new stack.
 */
#include <config.h>

#include "os/task_clone.h"

#include <errno.h>
#include <string.h>

#include "os/kernel_abi.h"

#if TASK_IS_THREAD

#include <pthread.h>
#include <signal.h>

#include "support/system_call.h"

struct thread_start {
	void (*body)(void *argument);
	void *argument;
	_Atomic uint32_t *word;
};

static long loaded_by;

__attribute__((constructor)) static void note_process(void)
{
	loaded_by = system_call(SYS_getpid);
}

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

	/* In a fork's child ThreadSanitizer takes a thread for one of the parent's. */
	if (system_call(SYS_getpid) != loaded_by)
		return -ENOSYS;

	(void)flags, (void)stack_end, (void)thread_pointer;
	error = pthread_create(&thread, NULL, run_thread, &start);
	if (error)
		return -error;
	pthread_detach(thread);
	while (!atomic_load_explicit(word, memory_order_acquire))
		system_call(SYS_sched_yield);
	return atomic_load_explicit(word, memory_order_relaxed);
}

long task_clone_by(struct kernel_abi_clone *arguments, void (*body)(void *argument), void *argument)
{
	(void)arguments, (void)body, (void)argument;
	return -ENOSYS;
}

long task_clone_vfork(void *stack_end, void (*body)(void *argument), void *argument)
{
	(void)stack_end, (void)body, (void)argument;
	return -ENOSYS;
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
#include "support/thread_pointer.h"

void task_clone_end(void)
{
	for (;;)
		system_call(SYS_exit_group, 0);
}

#if defined(__x86_64__)

/* On its new stack lie the function and its argument. */
#define CHILD_RUNS_AND_ENDS			\
	"xor %%ebp, %%ebp\n" /* nobody called it */ \
	"pop %%rax\n"				\
	"pop %%rdi\n"				\
	"call *%%rax\n"				\
	"xor %%edi, %%edi\n"			\
	"mov %[exit], %%eax\n"			\
	"syscall\n"				\
	"hlt\n"

/* rdi rsi rdx r10 r8; clone: flags, stack, parent's word, child's word, thread pointer. */
static long task_clone_enter(long number, const uintptr_t call[5])
{
	register uintptr_t r10 __asm__("r10") = call[3];
	register uintptr_t r8 __asm__("r8") = call[4];
	long result;

	__asm__ volatile("syscall\n"
			 "test %%rax, %%rax\n"
			 "jnz 1f\n"
			 CHILD_RUNS_AND_ENDS
			 "1:\n"
			 : "=a"(result)
			 : "a"(number), "D"(call[0]), "S"(call[1]), "d"(call[2]), "r"(r10), "r"(r8),
			   [exit] "i"(SYS_exit)
			 : "rcx", "r11", "memory", "cc");
	return result;
}

static long enter_clone(unsigned long flags, void **stack, void *word, uintptr_t thread_pointer)
{
	uintptr_t call[5] = { flags, (uintptr_t)stack, (uintptr_t)word, (uintptr_t)word,
			      thread_pointer };

	return task_clone_enter(SYS_clone, call);
}

/* The child leaves the stack of who called at once, to whom it has to be as it was. */
static long enter_vfork(void **stack)
{
	long result;

	__asm__ volatile("syscall\n"
			 "test %%rax, %%rax\n"
			 "jnz 1f\n"
			 "mov %[stack], %%rsp\n"
			 CHILD_RUNS_AND_ENDS
			 "1:\n"
			 : "=a"(result)
			 : "a"(SYS_vfork), [stack] "r"(stack), [exit] "i"(SYS_exit)
			 : "rcx", "r11", "rdi", "memory", "cc");
	return result;
}

/* System V ABI, AMD64 supplement: the pointer to itself; glibc and gcc: canaries at 0x28, 0x30. */
void task_clone_prepare(uintptr_t thread_pointer)
{
	const char *own = thread_pointer_own();
	uintptr_t *words = (uintptr_t *)thread_pointer;

	words[0] = words[2] = thread_pointer;
	memcpy(&words[5], own + 0x28, 2 * sizeof(words[5]));
}

#elif defined(__aarch64__)

/* x0 to x4; clone: flags, stack, parent's word, thread pointer, child's word. */
static long task_clone_enter(long number, const uintptr_t call[5])
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = (long)call[0];
	register uintptr_t x1 __asm__("x1") = call[1];
	register uintptr_t x2 __asm__("x2") = call[2];
	register uintptr_t x3 __asm__("x3") = call[3];
	register uintptr_t x4 __asm__("x4") = call[4];

	__asm__ volatile("svc #0\n"
			 "cbnz x0, 1f\n"
			 "mov x29, #0\n"	/* nobody called it */
			 "mov x30, #0\n"
			 "ldp x1, x0, [sp], #16\n"
			 "blr x1\n"
			 "mov x0, #0\n"
			 "mov x8, %[exit]\n"
			 "svc #0\n"
			 "brk #0\n"
			 "1:\n"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), [exit] "i"(SYS_exit)
			 : "memory", "cc");
	return x0;
}

static long enter_clone(unsigned long flags, void **stack, void *word, uintptr_t thread_pointer)
{
	uintptr_t call[5] = { flags, (uintptr_t)stack, (uintptr_t)word, thread_pointer,
			      (uintptr_t)word };

	return task_clone_enter(SYS_clone, call);
}

static long enter_vfork(void **stack)
{
	(void)stack;
	return -ENOSYS;
}

void task_clone_prepare(uintptr_t thread_pointer)
{
	(void)thread_pointer;
}

#else

static long enter_vfork(void **stack)
{
	(void)stack;
	return -ENOSYS;
}

static long task_clone_enter(long number, const uintptr_t call[5])
{
	(void)number, (void)call;
	return -ENOSYS;
}

static long enter_clone(unsigned long flags, void **stack, void *word, uintptr_t thread_pointer)
{
	(void)flags, (void)stack, (void)word, (void)thread_pointer;
	return -ENOSYS;
}

void task_clone_prepare(uintptr_t thread_pointer)
{
	(void)thread_pointer;
}

#endif

/* The new task never returns from enter, so it needs nothing of these functions' frames. */
static void **put_body(void *stack_end, void (*body)(void *argument), void *argument)
{
	void **stack = (void **)((uintptr_t)stack_end & ~(uintptr_t)15) - 2;

	stack[0] = (void *)(uintptr_t)body;
	stack[1] = argument;
	return stack;
}

long task_clone(unsigned long flags, void *stack_end, _Atomic uint32_t *word,
		uintptr_t thread_pointer, void (*body)(void *argument), void *argument)
{
	return enter_clone(flags, put_body(stack_end, body, argument), (void *)word,
			   thread_pointer);
}

long task_clone_vfork(void *stack_end, void (*body)(void *argument), void *argument)
{
	return enter_vfork(put_body(stack_end, body, argument));
}

long task_clone_by(struct kernel_abi_clone *arguments, void (*body)(void *argument), void *argument)
{
	uintptr_t call[5] = { (uintptr_t)arguments, sizeof(*arguments) };
	uintptr_t end = (uintptr_t)(arguments->stack + arguments->stack_bytes);

	arguments->stack_bytes =
		(uintptr_t)put_body((void *)end, body, argument) - arguments->stack;
	return task_clone_enter(SYS_clone3, call);
}

#endif
