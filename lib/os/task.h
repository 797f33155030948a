/* SPDX-License-Identifier: MIT */
/*
 * task.h - a task that shares the program's memory and nothing else: no thread of the program,
 * unknown to the C library, with signals, descriptors and a process id of its own; and threads
 * of that task. Its code makes system calls by system_call() only.
 *
 * Who may run with whom: task_map and task_start by one thread at a time for one room;
 * task_is_alive and task_wait by anyone.
 */
#ifndef HAKMEM_OS_TASK_H
#define HAKMEM_OS_TASK_H

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "support/compiler.h"

/*
 * How clone(2) is asked for one. Before it returns the id stands in the words: nobody takes it for
 * dead that has not run yet.
 */
#define TASK_WORDS_FLAGS	(CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)
#define TASK_FLAGS		(CLONE_VM | CLONE_FILES | CLONE_UNTRACED | TASK_WORDS_FLAGS)
#define TASK_APART_FLAGS	(TASK_FLAGS & ~CLONE_FILES)
#define TASK_THREAD_FLAGS                                                                   \
	(CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | \
	 CLONE_UNTRACED | TASK_WORDS_FLAGS)

/*
 * Where one runs. Wiped on fork: a child made by a raw clone(2), too, sees that it has no task.
 *
 *   │ guard │ stack ◄── │ words │ TLS: a thread pointer with what code reads beside it │
 */
struct task_room {
	char *mapping;			/* NULL: not mapped yet; kept for the next task */
	size_t bytes;
	/* -errno: a child sees its parent's words until it forgets them */
	int wipe_error;
	char *stack_end;		/* the highest address; struct task_words lies there */
	uintptr_t thread_pointer;	/* the task's thread_identity() */
};

/* Written by the kernel: the id of the living task, 0 once it has ended. */
struct task_words {
	_Atomic uint32_t id;
};

/* What code reads by the thread pointer: this far below it and above. */
struct task_tls {
	size_t below_bytes, above_bytes;
};

/* Widens *tls so that a thread-local variable of the calling thread, errno for one, fits. */
void task_tls_cover(struct task_tls *tls, const void *variable, size_t bytes);

/* Two memory system calls, unless the room is mapped. Returns 0 or -errno. */
int task_map(struct task_room *room, const struct task_tls *tls);

/*
 * Runs body(argument) with every signal blocked, as a task of its own, or as a thread of the
 * calling task. body does not return. Returns its id, or -errno: -ENOSYS where this library does
 * not know how (the machine, a sanitizer).
 */
int task_start(struct task_room *room, void (*body)(void *argument), void *argument);
/* The task has a copy of the descriptor table, all files in it open. */
int task_start_apart(struct task_room *room, void (*body)(void *argument), void *argument);
int task_start_thread(struct task_room *room, void (*body)(void *argument), void *argument);

bool task_is_alive(const struct task_room *room);

/* In a fork's child: there is no task, and the room is for its own. */
void task_forget(struct task_room *room);

/* Waits until it has ended, for some time at the most. False: it has not. */
bool task_wait(const struct task_room *room, uint64_t most_ns);

/* Ends the calling task and its threads. */
void task_end(void) NORETURN;

/*
 * The calling task's room gets its guard: what runs over the stack ends the task, not a neighbour.
 */
void task_guard_stack(const struct task_room *room);

#endif
