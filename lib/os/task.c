/* SPDX-License-Identifier: MIT */
/*
 * task.c - see task.h. clone(2): without CLONE_THREAD the task is in no list of the program's
 * threads, so exit, exec, seccomp's TSYNC, setuid and unshare know nothing of it; an exit signal
 * of 0 keeps it from wait() and SIGCHLD; CLONE_UNTRACED keeps it from the program's debugger.
 */
#include <config.h>

#include "os/task.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "os/kernel_abi.h"
#include "os/task_clone.h"
#include "os/vm.h"
#include "support/compiler.h"
#include "support/system_call.h"
#include "support/thread_pointer.h"

#define STACK_BYTES	((size_t)128 << 10)
#define WORDS_BYTES	64
/* what the C library keeps beside a thread pointer */
#define TLS_LEAST_BYTES	((size_t)4 << 10)
#define SIGNAL_BYTES	8ul			/* the kernel's sigset_t */

static struct task_words *task_words_of(const struct task_room *room)
{
	return (struct task_words *)(void *)room->stack_end;
}

void task_tls_cover(struct task_tls *tls, const void *variable, size_t bytes)
{
	intptr_t offset = (intptr_t)((uintptr_t)variable - (uintptr_t)thread_pointer_own());

	if (offset < 0)
		tls->below_bytes = max_size(tls->below_bytes, (size_t)-offset);
	if (offset + (intptr_t)bytes > 0)
		tls->above_bytes = max_size(tls->above_bytes, (size_t)offset + bytes);
}

static size_t rounded(size_t bytes)
{
	return align_up(bytes + TLS_LEAST_BYTES, ARCH_CACHE_LINE_BYTES);
}

int task_map(struct task_room *room, const struct task_tls *tls)
{
	size_t below = rounded(tls->below_bytes), above = rounded(tls->above_bytes);
	size_t guard = vm_page_size();
	size_t bytes = align_up(guard + STACK_BYTES + WORDS_BYTES + below + above, guard);
	void *mapping;
	int error;

	if (room->mapping)
		return 0;
	error = vm_map_wiped_on_fork(&mapping, bytes, &room->wipe_error);
	if (error)
		return error;
	room->mapping = mapping;
	room->bytes = bytes;
	room->stack_end = room->mapping + guard + STACK_BYTES;
	room->thread_pointer = (uintptr_t)room->stack_end + WORDS_BYTES + below;
	return 0;
}

/* Where a filter does not let clone(2) through as it is called here. */
static long clone_otherwise(struct task_room *room, unsigned long flags,
			    void (*body)(void *argument), void *argument)
{
	struct kernel_abi_clone call = {
		.flags = flags | (flags & CLONE_SIGHAND ? 0 : KERNEL_ABI_CLEAR_SIGHAND),
		.parent_word = (uintptr_t)&task_words_of(room)->id,
		.child_word = (uintptr_t)&task_words_of(room)->id,
		.stack = (uintptr_t)room->mapping,
		.stack_bytes = (uintptr_t)room->stack_end - (uintptr_t)room->mapping,
		.thread_pointer = room->thread_pointer,
	};

	return system_call_is_withheld(SYS_clone3) ? -EPERM : task_clone_by(&call, body, argument);
}

/* Whoever wins a signal here would run a handler of the program's on our stack. */
static long clone_blocked(struct task_room *room, unsigned long flags,
			  void (*body)(void *argument), void *argument)
{
	const long call[6] = { (long)flags };
	uint64_t all = ~(uint64_t)0, before;
	bool is_blocked;
	long id = -EPERM;

	is_blocked = !system_call(SYS_rt_sigprocmask, SIG_BLOCK, &all, &before, SIGNAL_BYTES);
	task_clone_prepare(room->thread_pointer);
	if (is_blocked && !system_call_withholds(SYS_clone, call))
		id = task_clone(flags, room->stack_end, &task_words_of(room)->id,
				room->thread_pointer,
				body, argument);
	if (id == -EPERM || id == -ENOSYS)
		id = clone_otherwise(room, flags, body, argument);
	if (is_blocked)
		system_call(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, SIGNAL_BYTES);
	return id;
}

int task_start(struct task_room *room, void (*body)(void *argument), void *argument)
{
	return (int)clone_blocked(room, TASK_FLAGS, body, argument);
}

int task_start_apart(struct task_room *room, void (*body)(void *argument), void *argument)
{
	return (int)clone_blocked(room, TASK_APART_FLAGS, body, argument);
}

int task_start_thread(struct task_room *room, void (*body)(void *argument), void *argument)
{
	return (int)clone_blocked(room, TASK_THREAD_FLAGS, body, argument);
}

bool task_is_alive(const struct task_room *room)
{
	/* acquire: what the task wrote before it ended is there */
	return room->mapping &&
	       atomic_load_explicit(&task_words_of(room)->id, memory_order_acquire);
}

void task_forget(struct task_room *room)
{
	if (room->mapping)
		atomic_store_explicit(&task_words_of(room)->id, 0, memory_order_relaxed);
}

bool task_wait(const struct task_room *room, uint64_t most_ns)
{
	struct timespec most = { .tv_sec = (time_t)(most_ns / 1000000000ull),
				 .tv_nsec = (long)(most_ns % 1000000000ull) };
	uint32_t id;

	if (!room->mapping)
		return true;
	id = atomic_load_explicit(&task_words_of(room)->id, memory_order_acquire);
	/* Not FUTEX_PRIVATE_FLAG: the kernel wakes for CLONE_CHILD_CLEARTID without. */
	if (id)
		system_call(SYS_futex, &task_words_of(room)->id, FUTEX_WAIT, id, &most, NULL, 0);
	return !task_is_alive(room);
}

void task_guard_stack(const struct task_room *room)
{
	system_call(SYS_mprotect, room->mapping, vm_page_size(), PROT_NONE);
}

void task_end(void)
{
	task_clone_end();
}
