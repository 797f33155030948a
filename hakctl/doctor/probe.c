/* SPDX-License-Identifier: MIT */
/* See probe.h; doctor.c calls it. */
#include <config.h>

#include "hakctl/doctor/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/membarrier.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kmod-free-helpers/fault_probe.h>

#include "hakctl/client/memory_map.h"
#include "hakctl/client/rung.h"
#include "os/kernel_abi.h"
#include "os/vm.h"
#include "support/filter_state.h"
#include "support/page_size.h"

__attribute__((format(printf, 4, 5))) static void
set(struct control_rung *rung, int state, int error, const char *format, ...)
{
	va_list arguments;

	rung->state = (uint32_t)state;
	rung->error = error;
	va_start(arguments, format);
	vsnprintf(rung->cause, sizeof(rung->cause), format, arguments);
	va_end(arguments);
}

static void read_line(const char *path, char *text, size_t bytes)
{
	FILE *file = fopen(path, "re");

	if (!file || !fgets(text, (int)bytes, file))
		text[0] = '\0';
	if (file)
		fclose(file);
	text[strcspn(text, "\n")] = '\0';
}

static char *map_page(void)
{
	char *page = mmap(NULL, page_size(), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		_exit(1);
	page[0] = 1;
	return page;
}

static void ask_seccomp(struct control_rung *rung)
{
	if (filter_state_is_on())
		set(rung, CONTROL_RUNG_PARTLY, 0,
		    "a filter is in force here; what it refuses stands below, and in a process's own rows");
}

static void ask_processors(struct control_rung *rung)
{
	cpu_set_t set_;

	if (sched_getaffinity(0, sizeof(set_), &set_) == 0 && CPU_COUNT(&set_) < 2)
		set(rung, CONTROL_RUNG_PARTLY, 0,
		    "one processor only: under helpers:auto nothing is populated ahead, for the "
		    "helper would take turns with the program");
}

static void ask_userfaultfd(struct control_rung *rung)
{
	struct fault_probe probe;

	fault_probe_run(&probe);
	if (probe.way == FAULT_PROBE_NONE)
		set(rung, CONTROL_RUNG_OFF, -probe.error, "%s", probe.reason);
}

static void ask_move(struct control_rung *rung)
{
	struct fault_probe probe;

	fault_probe_run(&probe);
	if (probe.way == FAULT_PROBE_NONE)
		set(rung, CONTROL_RUNG_OFF, -probe.error, "there is no userfaultfd");
	else if (probe.way == FAULT_PROBE_COPY)
		set(rung, CONTROL_RUNG_PARTLY, -probe.error, "pages are copied: %s",
		    probe.reason);
}

static void ask_io_uring(struct control_rung *rung)
{
	struct io_uring ring;
	struct io_uring_probe *known;
	int error = io_uring_queue_init(8, &ring, 0);

	if (error) {
		char disabled[8];

		read_line("/proc/sys/kernel/io_uring_disabled", disabled,
			  sizeof(disabled));
		set(rung, CONTROL_RUNG_OFF, -error, "io_uring_setup: %s%s%s",
		    strerror(-error),
		    disabled[0] > '0' ? "; kernel.io_uring_disabled is " : "",
		    disabled[0] > '0' ? disabled : "");
		return;
	}
	known = io_uring_get_probe_ring(&ring);
	if (!known || !io_uring_opcode_supported(known, IORING_OP_MADVISE))
		set(rung, CONTROL_RUNG_PARTLY, 0,
		    "a kernel before 5.6: no madvise by a ring");
	io_uring_queue_exit(&ring);
}

static void ask_process_madvise(struct control_rung *rung)
{
	char *page = map_page();
	struct iovec range = { page, page_size() };
	int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
	long done = self < 0 ? -1 :
			       syscall(SYS_process_madvise, self, &range, 1,
				       MADV_DONTNEED, 0);

	if (done == (long)range.iov_len && page[0] == 0)
		return;
	set(rung, CONTROL_RUNG_PARTLY, errno, "%s: memory goes back range by range",
	    errno == EINVAL ? "a kernel before 6.13" : strerror(errno));
}

static void ask_huge_pages(struct control_rung *rung)
{
	char enabled[64];

	read_line("/sys/kernel/mm/transparent_hugepage/enabled", enabled,
		  sizeof(enabled));
	if (!enabled[0])
		set(rung, CONTROL_RUNG_OFF, ENOENT,
		    "this kernel has no transparent huge pages");
	else if (strstr(enabled, "[never]"))
		set(rung, CONTROL_RUNG_OFF, 0,
		    "/sys/kernel/mm/transparent_hugepage/enabled is never");
	else if (prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1)
		set(rung, CONTROL_RUNG_OFF, 0, "prctl(PR_SET_THP_DISABLE) is in force");
	else if (!vm_huge_pages_fit())
		set(rung, CONTROL_RUNG_PARTLY, 0,
		    "huge pages of %zu MiB: for blocks above 1 MiB only",
		    vm_huge_page_bytes() >> 20);
}

static void ask_numa(struct control_rung *rung)
{
	unsigned long nodes = 1;
	char *page = map_page();
	char online[64];

	read_line("/sys/devices/system/node/online", online, sizeof(online));
	if (syscall(SYS_mbind, page, page_size(), MPOL_PREFERRED, &nodes, 8 * sizeof(nodes),
		    0) == 0)
		return;
	if (errno == ENOSYS || !online[0] || !strcmp(online, "0"))
		set(rung, CONTROL_RUNG_ON, 0, "one node: nothing to be placed");
	else
		set(rung, CONTROL_RUNG_PARTLY, errno,
		    "mbind: %s; memory is placed by first touch", strerror(errno));
}

static void ask_membarrier(struct control_rung *rung)
{
	long known = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);

	if (known < 0)
		set(rung, CONTROL_RUNG_PARTLY, errno,
		    "membarrier: %s; caches of sleeping threads stay", strerror(errno));
	else if (!(known & MEMBARRIER_CMD_PRIVATE_EXPEDITED))
		set(rung, CONTROL_RUNG_PARTLY, 0,
		    "a kernel before 4.14; caches of sleeping threads stay");
}

static void ask_overcommit(struct control_rung *rung)
{
	char text[16];

	read_line("/proc/sys/vm/overcommit_memory", text, sizeof(text));
	if (!strcmp(text, "2"))
		set(rung, CONTROL_RUNG_PARTLY, 0,
		    "vm.overcommit_memory is 2: what is opened counts, used or not");
}

static void ignore(uint64_t start, uint64_t end, bool huge, void *argument)
{
	(void)start;
	(void)end;
	(void)huge;
	(void)argument;
}

static void ask_pagemap_scan(struct control_rung *rung)
{
	struct process own = { .pid = getpid() };
	uint64_t page = (uint64_t)(uintptr_t)map_page();

	if (!memory_map_scan(&own, page, page + page_size(), ignore, NULL))
		set(rung, CONTROL_RUNG_PARTLY, errno,
		    "%s: what is populated is not told by page, holes not at all",
		    errno == ENOTTY ? "a kernel before 6.7" : strerror(errno));
}

static const struct question {
	enum rung rung;
	void (*ask)(struct control_rung *rung);
} questions[] = {
	{ RUNG_FILTER, ask_seccomp },	    { RUNG_PROCESSORS, ask_processors },
	{ RUNG_USERFAULTFD, ask_userfaultfd }, { RUNG_MOVE, ask_move },
	{ RUNG_RING, ask_io_uring },	    { RUNG_VECTOR, ask_process_madvise },
	{ RUNG_HUGE_PAGES, ask_huge_pages },   { RUNG_NODES, ask_numa },
	{ RUNG_BARRIER, ask_membarrier },   { RUNG_PAGE_SCAN, ask_pagemap_scan },
	{ RUNG_OVERCOMMIT, ask_overcommit },
};

/* The child writes its answer; if it dies first, how it died is the answer. */
static void ask_in_child(const struct question *question, struct control_rung *rung)
{
	struct control_rung *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
					   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child;
	int status = 0;

	if (shared == MAP_FAILED)
		return;
	*shared = *rung;
	child = fork();
	if (child == 0) {
		question->ask(shared);
		_exit(0);
	}
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	*rung = *shared;
	if (child < 0)
		set(rung, CONTROL_RUNG_UNKNOWN, errno, "fork: %s", strerror(errno));
	else if (WIFSIGNALED(status))
		set(rung, CONTROL_RUNG_OFF, 0, "the call kills (%s): a seccomp filter",
		    WTERMSIG(status) == SIGSYS ? "SIGSYS" : strsignal(WTERMSIG(status)));
	munmap(shared, sizeof(*shared));
}

size_t probe_machine(struct control_rung rungs[PROBE_MOST_RUNGS])
{
	size_t count = sizeof(questions) / sizeof(questions[0]);

	fflush(NULL);
	for (size_t i = 0; i < count; i++) {
		rung_begin(&rungs[i], questions[i].rung, CONTROL_RUNG_ON);
		ask_in_child(&questions[i], &rungs[i]);
	}
	return count;
}
