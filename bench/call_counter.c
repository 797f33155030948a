/* SPDX-License-Identifier: MIT */
/*
 * See call_counter.h. An ioctl counts for a request to a userfaultfd, which it mostly is.
 */
#include "bench/call_counter.h"

#include <linux/perf_event.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TRACEPOINT "/sys/kernel/tracing/events/raw_syscalls/sys_enter/id"

/* clang-format off */
static const long memory_calls[] = {
	SYS_mmap, SYS_munmap, SYS_mremap, SYS_mprotect, SYS_brk, SYS_madvise, SYS_mbind,
	SYS_set_mempolicy, SYS_move_pages, SYS_migrate_pages, SYS_process_madvise,
	SYS_userfaultfd, SYS_ioctl, SYS_io_uring_enter,
};
/* clang-format on */

static int read_id(void)
{
	FILE *file = fopen(TRACEPOINT, "re");
	int id = -1;

	if (file && fscanf(file, "%d", &id) != 1)
		id = -1;
	if (file)
		fclose(file);
	return id;
}

static int set_filter(int counter)
{
	char filter[512];
	size_t length = 0;

	for (unsigned int i = 0; i < sizeof(memory_calls) / sizeof(*memory_calls); i++)
		length += (size_t)snprintf(filter + length, sizeof(filter) - length,
					   "%sid == %ld", i ? " || " : "", memory_calls[i]);
	return ioctl(counter, PERF_EVENT_IOC_SET_FILTER, filter);
}

int call_counter_open(bool with_threads)
{
	int id = read_id(), counter;
	struct perf_event_attr attributes = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attributes),
		.config = (uint64_t)id,
		.inherit = with_threads,
	};

	if (id < 0)
		return -1;
	counter = (int)syscall(SYS_perf_event_open, &attributes, 0, -1, -1,
			       PERF_FLAG_FD_CLOEXEC);
	if (counter >= 0 && set_filter(counter)) {
		close(counter);
		return -1;
	}
	return counter;
}

uint64_t call_counter_read(int counter)
{
	uint64_t count = 0;

	return read(counter, &count, sizeof(count)) == sizeof(count) ? count : 0;
}
