/* SPDX-License-Identifier: MIT */
/*
 * See madvise_vector.h. Before 6.13 the kernel has the call, but knows only advice that
 * changes no contents (-EINVAL).
 */
#include <config.h>

#include "kmod-free-helpers/madvise_vector.h"

#include <errno.h>
#include <sys/mman.h>

#include "kmod-free-helpers/kernel_abi.h"
#include "support/system_call.h"
#include "support/page_size.h"

static long call(int process, const struct iovec *ranges, unsigned int count, int advice)
{
	return system_call(SYS_process_madvise, process, ranges, (unsigned long)count, advice, 0ul);
}

int madvise_vector_open(struct madvise_vector *vector)
{
	long done;

	vector->process = (int)system_call(SYS_pidfd_open, system_call(SYS_getpid), 0);
	if (vector->process < 0)
		return vector->process;
	/* About no range at all: the kernel looks at the advice first. */
	done = call(vector->process, NULL, 0, MADV_DONTNEED);
	if (done < 0) {
		system_call(SYS_close, vector->process);
		vector->process = -1;
	}
	return (int)done;
}

int madvise_vector_call(const struct madvise_vector *vector, const struct iovec *ranges,
			unsigned int count, int advice)
{
	unsigned int i;
	long bytes;

	for (i = 0; i < count; i++)
		if (!page_size_divides(ranges[i].iov_base, ranges[i].iov_len))
			return -EINVAL;
	bytes = call(vector->process, ranges, count, advice);
	if (bytes < 0)
		return (int)bytes;
	for (i = 0; i < count && bytes >= (long)ranges[i].iov_len; i++)
		bytes -= (long)ranges[i].iov_len;
	return (int)i;
}
