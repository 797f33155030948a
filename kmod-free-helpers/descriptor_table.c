/* SPDX-License-Identifier: MIT */
/*
 * Separates the helper's descriptor table from the program's, with which it was made. No file is
 * closed in doing so: close(2) on a copy flushes on some file systems, and a copy that stays
 * would keep the readers of the program's pipes from their end.
 */
#include <config.h>

#include "kmod-free-helpers/descriptor_table.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <sys/resource.h>
#include <unistd.h>

#include "kmod-free-helpers/kernel_abi.h"
#include "support/directory_entry.h"
#include "support/number.h"
#include "support/system_call.h"

#define DESCRIPTORS_MOST 65536u

/* It takes equal numbers in two tables for one file, and reports races that are none. */
#ifdef __SANITIZE_THREAD__
#define IS_UNDER_TSAN 1
#else
#define IS_UNDER_TSAN 0
#endif

/* Closes what /proc lists, from first on. False: there is none. */
static bool close_listed(unsigned int first)
{
	char entries[2048] __attribute__((aligned(8)));
	long folder = system_call(SYS_openat, AT_FDCWD, "/proc/self/fd",
				  O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	long filled, at;

	if (folder < 0)
		return false;
	while ((filled = system_call(SYS_getdents64, folder, entries, sizeof(entries))) > 0) {
		for (at = 0; at < filled; at += ((struct directory_entry *)(entries + at))->bytes) {
			const char *name = ((struct directory_entry *)(entries + at))->name;
			uint64_t number = number_read(name, NULL);

			if (*name != '.' && number >= first && number != (uint64_t)folder)
				system_call(SYS_close, (int)number);
		}
	}
	system_call(SYS_close, (int)folder);
	return filled == 0;
}

/* Before Linux 5.9: one by one. */
static int separate_by_hand(unsigned int first, bool is_copy)
{
	long error = is_copy ? 0 : system_call(SYS_unshare, CLONE_FILES);
	struct rlimit limit = { DESCRIPTORS_MOST, DESCRIPTORS_MOST };

	if (error < 0)
		return (int)error;
	if (close_listed(first))
		return 0;
	system_call(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit);
	if (limit.rlim_max > DESCRIPTORS_MOST)
		limit.rlim_max = DESCRIPTORS_MOST;
	for (; first < limit.rlim_max; first++)
		system_call(SYS_close, (int)first);
	return 0;
}

int descriptor_table_separate(bool keep_error_output, bool is_copy)
{
	unsigned int first = keep_error_output ? STDERR_FILENO + 1 : 0;
	long error;

	if (IS_UNDER_TSAN)
		return 0;
	error = system_call(SYS_close_range, first, ~0u, CLOSE_RANGE_UNSHARE);
	if (error < 0)
		error = separate_by_hand(first, is_copy);
	if (!error && keep_error_output) {
		system_call(SYS_close, STDIN_FILENO);
		system_call(SYS_close, STDOUT_FILENO);
	}
	return (int)error;
}
