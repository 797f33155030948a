/* SPDX-License-Identifier: MIT */
/*
 * Separates the calling thread's descriptor table from the program's. Called by the
 * library's own threads. Its copies of the program's descriptors are closed: else the readers of the
 * program's pipes would never see their end.
 */
#include <config.h>

#include "kmod-free-helpers/descriptor_table.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#include "kmod-free-helpers/kernel_abi.h"

/* It takes equal numbers in two tables for one file, and reports races that are none. */
#ifdef __SANITIZE_THREAD__
#define IS_UNDER_TSAN 1
#else
#define IS_UNDER_TSAN 0
#endif

/*
 * 0 to 2 are held by a pidfd of our own process: what is opened later never gets them. The
 * first of an empty table is 0 in each thread's; -1: the kernel has none. relaxed.
 */
static _Atomic int process = -1;

static int read_process(void)
{
	return atomic_load_explicit(&process, memory_order_relaxed);
}

static void occupy_standard_descriptors(void)
{
	int held = (int)syscall(SYS_pidfd_open, getpid(), 0);

	while (held >= 0 && dup(held) < STDERR_FILENO)
		;
	atomic_store_explicit(&process, held, memory_order_relaxed);
}

void descriptor_table_borrow_error_output(void)
{
	/* Of the thread group's leader: the program's table, or none if the leader is gone. */
	int ours = read_process();
	int theirs = ours < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, ours, STDERR_FILENO, 0);

	if (theirs < 0)
		return;
	dup3(theirs, STDERR_FILENO, O_CLOEXEC);
	close(theirs);
}

void descriptor_table_put_error_output(void)
{
	if (read_process() >= 0)
		dup3(read_process(), STDERR_FILENO, O_CLOEXEC);
}

/* Before 5.9 there is no way to close all at once that does not open /proc first. */
int descriptor_table_separate(void)
{
	if (IS_UNDER_TSAN)
		return 0;
	if (syscall(SYS_close_range, 0u, ~0u, CLOSE_RANGE_UNSHARE))
		return -errno;
	occupy_standard_descriptors();
	return 0;
}
