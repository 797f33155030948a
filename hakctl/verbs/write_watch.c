/* SPDX-License-Identifier: MIT */
/* See write_watch.h; heat.c calls it. */
#include <config.h>

#include "hakctl/verbs/write_watch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hakctl/client/memory_map.h"
#include "os/kernel_abi.h"

/* The descriptor in /proc/PID/fd that is a userfaultfd; -1: none. */
static int find_descriptor(pid_t helper)
{
	char folder[64], link[64];
	struct dirent *entry;
	int found = -1;
	DIR *all;

	snprintf(folder, sizeof(folder), "/proc/%d/fd", (int)helper);
	all = opendir(folder);
	while (all && found < 0 && (entry = readdir(all))) {
		ssize_t length =
			readlinkat(dirfd(all), entry->d_name, link, sizeof(link) - 1);

		link[length > 0 ? length : 0] = '\0';
		if (!strcmp(link, "anon_inode:[userfaultfd]"))
			found = (int)strtol(entry->d_name, NULL, 10);
	}
	if (all)
		closedir(all);
	return found;
}

static bool copy_descriptor(pid_t helper, int theirs, int *ours, struct failure *failure)
{
	int handle = (int)syscall(SYS_pidfd_open, helper, 0);

	if (handle < 0)
		return failure_set(failure, EXIT_REFUSED, "no heat: its helper: %s",
				   strerror(errno));
	*ours = (int)syscall(SYS_pidfd_getfd, handle, theirs, 0);
	close(handle);
	if (*ours < 0)
		return failure_set(failure, EXIT_REFUSED,
				   "no heat: its helper's userfaultfd: %s%s",
				   strerror(errno), errno == EPERM ? "; root may" : "");
	return true;
}

bool write_watch_open(const struct process *process, struct write_watch *watch,
		      struct failure *failure)
{
	pid_t helper = process_helper_of(process);
	int theirs = helper ? find_descriptor(helper) : -1;

	*watch = (struct write_watch){ .process = process, .descriptor = -1 };
	if (theirs < 0)
		return failure_set(
			failure, EXIT_REFUSED,
			"no heat: its helper has no userfaultfd; `hakctl doctor %d` "
			"says why",
			(int)process->pid);
	return copy_descriptor(helper, theirs, &watch->descriptor, failure);
}

void write_watch_close(struct write_watch *watch)
{
	if (watch->descriptor >= 0)
		close(watch->descriptor);
	watch->descriptor = -1;
}

bool write_watch_begin(struct write_watch *watch, struct write_range range)
{
	struct uffdio_register registration = {
		.range = { range.start, range.end - range.start },
		.mode = UFFDIO_REGISTER_MODE_WP,
	};

	if (ioctl(watch->descriptor, UFFDIO_REGISTER, &registration) != 0)
		return false;
	if (memory_map_protect(watch->process, range.start, range.end))
		return true;
	write_watch_end(watch, range);
	return false;
}

bool write_watch_visit(struct write_watch *watch, struct write_range range,
		       void (*visit)(uint64_t start, uint64_t end, bool huge,
				     void *argument),
		       void *argument)
{
	return memory_map_scan_written(watch->process, range.start, range.end, visit,
				       argument);
}

void write_watch_end(struct write_watch *watch, struct write_range range)
{
	struct uffdio_range all = { range.start, range.end - range.start };
	int saved_errno = errno;

	ioctl(watch->descriptor, UFFDIO_UNREGISTER, &all);
	errno = saved_errno;
}
