/* SPDX-License-Identifier: MIT */
/*
 * Separates the calling thread's descriptor table from the program's. Called by the
 * helper. Its copies of the program's descriptors are closed: else the readers of the
 * program's pipes would never see their end.
 */
#include <config.h>

#include "kmod-free-helpers/descriptor_table.h"

#include <errno.h>
#include <sched.h>
#include <unistd.h>

#include "kmod-free-helpers/kernel_abi.h"

/* Before 5.9 there is no way to close all at once that does not open /proc first. */
int descriptor_table_separate(void)
{
	if (syscall(SYS_close_range, 0u, ~0u, CLOSE_RANGE_UNSHARE) == 0)
		return 0;
	return -errno;
}
