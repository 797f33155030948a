/* SPDX-License-Identifier: MIT */
/*
 * What the kernel tests share: skipping with a reason, checks, and questions to the
 * kernel about a range. Included by the tests of this folder, one program each.
 */
#ifndef HAKMEM_TESTS_KERNEL_TEST_H
#define HAKMEM_TESTS_KERNEL_TEST_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kmod-free-helpers/fault_probe.h"
#include "kmod-free-helpers/fault_service.h"
#include "kmod-free-helpers/staging.h"
#include "support/page_size.h"

#define PAGE	  page_size()
#define HUGE_PAGE ((size_t)2 << 20)
#define EXIT_SKIP 77

#define expect(condition, ...)                                                     \
	do {                                                                       \
		if (!(condition)) {                                                \
			fprintf(stderr, "%s:%d: not so: %s: ", __FILE__, __LINE__, \
				#condition);                                       \
			fprintf(stderr, __VA_ARGS__);                              \
			fputc('\n', stderr);                                       \
			_exit(1);                                                  \
		}                                                                  \
	} while (0)

static inline _Noreturn void skip(const char *reason)
{
	printf("SKIP: %s\n", reason);
	fflush(stdout);
	_exit(EXIT_SKIP);
}

static inline bool kernel_is_since(int major, int minor)
{
	struct utsname name;
	int has_major = 0, has_minor = 0;

	if (uname(&name) || sscanf(name.release, "%d.%d", &has_major, &has_minor) != 2)
		return false;
	return has_major > major || (has_major == major && has_minor >= minor);
}

/* Skips unless this process has the way, or a better one. */
static inline void require_way(enum fault_probe_way worst)
{
	struct fault_probe probe;

	fault_probe_run(&probe);
	if (probe.way > worst)
		skip(probe.reason);
}

static inline void open_service(struct fault_service *service, unsigned int flags)
{
	int error = fault_service_open(service, flags);

	expect(!error, "fault_service_open: %s", strerror(-error));
}

/* A fresh range, aligned to 2 MiB, no page in it. */
static inline char *map_range(size_t length)
{
	size_t mapped = length + HUGE_PAGE;
	char *start = mmap(NULL, mapped, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t before, after;

	expect(start != MAP_FAILED, "mmap: %s", strerror(errno));
	before = -(uintptr_t)start & (HUGE_PAGE - 1);
	after = mapped - length - before;
	if (before)
		munmap(start, before);
	start += before;
	if (after)
		munmap(start + length, after);
	return start;
}

static inline char *arm_range(struct fault_service *service, size_t length)
{
	char *start = map_range(length);
	int error = fault_service_arm(service, start, length);

	expect(!error, "fault_service_arm: %s", strerror(-error));
	return start;
}

/* KiB of huge pages in the mapping that begins where start lies. */
static inline long huge_kib(const void *start)
{
	FILE *smaps = fopen("/proc/self/smaps", "re");
	unsigned long from, to;
	bool inside = false;
	char line[512];
	long kib = -1;

	if (!smaps)
		skip("/proc/self/smaps cannot be read");
	while (kib < 0 && fgets(line, sizeof(line), smaps)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			inside = from <= (uintptr_t)start && (uintptr_t)start < to;
		else if (inside)
			sscanf(line, "AnonHugePages: %ld kB", &kib);
	}
	fclose(smaps);
	return kib;
}

static inline void require_huge_pages(void)
{
	char *start = map_range(HUGE_PAGE);
	long kib;

	madvise(start, HUGE_PAGE, MADV_HUGEPAGE);
	*start = 1;
	kib = huge_kib(start);
	munmap(start, HUGE_PAGE);
	if (kib != 2048)
		skip("the kernel has no huge page for us");
}

static inline bool is_filled_with(const char *start, size_t length, char byte)
{
	for (size_t i = 0; i < length; i++)
		if (start[i] != byte)
			return false;
	return true;
}

/* Pages of the range that the process has. */
static inline size_t resident_pages(const char *start, size_t length)
{
	size_t pages = length / PAGE, count = 0;
	uint64_t *entries = calloc(pages, sizeof(*entries));
	FILE *pagemap = fopen("/proc/self/pagemap", "re");

	if (!pagemap || !entries)
		skip("/proc/self/pagemap cannot be read");
	setvbuf(pagemap, NULL, _IONBF, 0);
	fseek(pagemap, (long)((uintptr_t)start / PAGE * sizeof(*entries)), SEEK_SET);
	expect(fread(entries, sizeof(*entries), pages, pagemap) == pages, "pagemap ends");
	for (size_t i = 0; i < pages; i++)
		count += entries[i] >> 63;
	fclose(pagemap);
	free(entries);
	return count;
}

/* Waits for a child that must end by exit(0), or skips as it did. */
static inline void expect_child(pid_t child)
{
	int status = 0;

	expect(child > 0, "fork: %s", strerror(errno));
	expect(waitpid(child, &status, 0) == child, "waitpid: %s", strerror(errno));
	expect(WIFEXITED(status), "the child died of signal %d", WTERMSIG(status));
	if (WEXITSTATUS(status) == EXIT_SKIP)
		_exit(EXIT_SKIP);
	expect(WEXITSTATUS(status) == 0, "the child exited with %d", WEXITSTATUS(status));
}

#endif
