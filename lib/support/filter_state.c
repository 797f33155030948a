/* SPDX-License-Identifier: MIT */
/*
 * filter_state.c - see filter_state.h.
 */
#include <config.h>

#include "support/filter_state.h"

#include <errno.h>
#include <sys/prctl.h>

#include "support/kernel_file.h"
#include "support/system_call.h"

bool filter_state_is_told(const char *status, long length, size_t bytes)
{
	const char *mode;

	/* A chroot without /proc: a filter that lets openat through is asked about itself. */
	if (length == -ENOENT)
		return system_call(SYS_prctl, PR_GET_SECCOMP, 0ul, 0ul, 0ul, 0ul) != 0;
	if (length <= 0)
		return true;
	mode = kernel_file_field(status, "Seccomp");
	if (mode)
		return *mode != '0';
	/* A kernel without seccomp; or so many groups that the line did not fit. */
	return (size_t)length == bytes - 1;
}

bool filter_state_is_on(void)
{
	char status[4096];
	long length = kernel_file_read("/proc/thread-self/status", status, sizeof(status));

	return filter_state_is_told(status, length, sizeof(status));
}
