/* SPDX-License-Identifier: MIT */
/*
 * task_clone.h - clone(2) with a function to run, in each machine's own way. Called by task.c
 * and sandbox*.c only.
 *
 * Who may run with whom: as task.h says.
 */
#ifndef HAKMEM_OS_TASK_CLONE_H
#define HAKMEM_OS_TASK_CLONE_H

#include <stdatomic.h>
#include <stdint.h>

#include "support/compiler.h"

/*
 * Returns the new task's id or -errno. The new one runs body(argument) on the stack that ends at
 * stack_end and, should body return, ends by exit(2), which ends no other thread of it. word: as
 * CLONE_PARENT_SETTID and CLONE_CHILD_CLEARTID say.
 */
long task_clone(unsigned long flags, void *stack_end, _Atomic uint32_t *word,
		uintptr_t thread_pointer, void (*body)(void *argument), void *argument) HIDDEN;

/*
 * The same by clone3(2): flags, stack and words as its arguments say. The stack's length is
 * changed.
 */
struct kernel_abi_clone;
long task_clone_by(struct kernel_abi_clone *arguments, void (*body)(void *argument),
		   void *argument) HIDDEN;

/*
 * The same by vfork(2): a child of the program's, with a SIGCHLD when it ends; the caller waits for
 * that. -ENOSYS on machines without.
 */
long task_clone_vfork(void *stack_end, void (*body)(void *argument), void *argument) HIDDEN;

/* Ends the calling task with all of its threads. */
void task_clone_end(void) HIDDEN NORETURN;

/* What compiled code expects behind a thread pointer: of the calling thread's, the same. */
void task_clone_prepare(uintptr_t thread_pointer) HIDDEN;

#endif
