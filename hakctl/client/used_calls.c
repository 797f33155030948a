/* SPDX-License-Identifier: MIT */
/* See used_calls.h; seccomp_profile.c and unit_filter.c write them down. */
#include <config.h>

#include "hakctl/client/used_calls.h"

#include <stdio.h>
#include <string.h>

const struct used_calls used_calls_groups[] = {
	{ .names =
		  "clock_nanosleep close_range epoll_create1 epoll_ctl epoll_pwait futex getcpu madvise "
		  "membarrier mincore mremap msync pidfd_open ppoll pread64 rt_sigprocmask "
		  "sched_getaffinity seccomp setsid",
	  .purpose = "the helper: a task that gives memory back and answers hakctl" },
	{ .names = "capset",
	  .purpose = "the helper gives its capabilities away",
	  .loosens = "a program may give away capabilities that it has; nobody gets any by it" },
	{ .names = "sched_setaffinity sched_setattr",
	  .purpose =
		  "the helper takes short turns, on the processors of the node that it works for",
	  .loosens = "a program may choose its processors and its own niceness" },
	{ .names = "userfaultfd",
	  .purpose = "memory comes ahead of its use, and stray accesses are seen",
	  .loosens =
		  "a program may hold up its own threads at a page that is missing: with faults of user "
		  "mode only, as the profile has it, and as the kernel has it for all without "
		  "CAP_SYS_PTRACE, it cannot hold up the kernel",
	  .is_judged = true,
	  .index = 0,
	  .mask = 1,
	  .value = 1 },
	{ .names = "io_uring_setup io_uring_enter io_uring_register",
	  .purpose = "memory goes back in batches, by workers of the kernel",
	  .loosens =
		  "io_uring is a large part of the kernel, has had many faults, and its requests pass "
		  "the filter by; without these three memory goes back by process_madvise or madvise" },
	{ .names = "process_madvise",
	  .purpose = "many ranges go back by one call",
	  .loosens = "a program may give advice to another process that it could trace" },
	{ .names = "mbind get_mempolicy",
	  .purpose = "memory on the node of its thread; for machines with several",
	  .loosens = "a program may say which node its memory comes from" },
	{ .names = "move_pages",
	  .purpose = "where pages are; for machines with several nodes",
	  .loosens = "a program may ask and change which node its own pages are on",
	  .is_judged = true,
	  .index = 0,
	  .mask = UINT32_MAX,
	  .value = 0 },
};

const size_t used_calls_count = sizeof(used_calls_groups) / sizeof(used_calls_groups[0]);

const char used_calls_needed[] =
	"clone madvise futex prctl mmap munmap exit nanosleep openat read close "
	"socket bind listen accept4 sendto recvfrom";

bool used_calls_next(const char **names, char name[64])
{
	size_t length;

	*names += strspn(*names, " ");
	length = strcspn(*names, " ");
	snprintf(name, 64, "%.*s", (int)length, *names);
	*names += length;
	return length > 0;
}

bool used_calls_has(const char *names, const char *name)
{
	char next[64];

	while (used_calls_next(&names, next))
		if (!strcmp(next, name))
			return true;
	return false;
}
