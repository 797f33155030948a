/* SPDX-License-Identifier: MIT */
/* See memory_map.h; huge, map and doctor ask. */
#include <config.h>

#include "hakctl/client/memory_map.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hakctl/output/message.h"
#include "os/kernel_abi.h"
#include "support/page_size.h"

enum { MOST_REGIONS = 512 };

static struct memory_range *add(struct memory_map *map)
{
	if (map->count == map->room) {
		map->room = map->room ? 2 * map->room : 32;
		map->ranges = realloc(map->ranges, map->room * sizeof(*map->ranges));
		if (!map->ranges)
			message_out_of_memory();
	}
	map->ranges[map->count] = (struct memory_range){ .start = 0 };
	return &map->ranges[map->count++];
}

/* "Rss:  1234 kB" into bytes, if the line is of this name. */
static bool take_field(const char *line, const char *name, uint64_t *bytes)
{
	size_t length = strlen(name);

	if (strncmp(line, name, length))
		return false;
	*bytes = strtoull(line + length, NULL, 10) * 1024;
	return true;
}

bool memory_map_read(const struct process *process, uint64_t start, uint64_t end,
		     struct memory_map *map, struct failure *failure)
{
	char path[64], line[4096];
	struct memory_range *range = NULL;
	FILE *maps;

	*map = (struct memory_map){ .ranges = NULL };
	snprintf(path, sizeof(path), "/proc/%d/smaps", (int)process->pid);
	maps = fopen(path, "re");
	if (!maps)
		return failure_set(failure, EXIT_REFUSED, "%s: %s", path,
				   strerror(errno));
	while (fgets(line, sizeof(line), maps)) {
		uint64_t from, to, rss_bytes;
		char access_[5];

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s", &from, &to, access_) ==
		    3) {
			range = from >= start && to <= end ? add(map) : NULL;
			if (range) {
				range->start = from;
				range->end = to;
				range->is_writable = access_[1] == 'w';
			}
		} else if (take_field(line, "Rss:", &rss_bytes)) {
			map->rss_bytes += rss_bytes;
			if (range)
				range->rss_bytes = rss_bytes;
		} else if (range && !take_field(line, "AnonHugePages:", &range->huge_bytes) &&
			   !strncmp(line, "VmFlags:", 8)) {
			range->wants_huge = strstr(line, " hg") != NULL;
		}
	}
	fclose(maps);
	return true;
}

void memory_map_free(struct memory_map *map)
{
	free(map->ranges);
	*map = (struct memory_map){ .ranges = NULL };
}

static int open_pagemap(const struct process *process)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)process->pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* wanted: pages with all of these, and of their own. */
static bool scan(const struct process *process, uint64_t start, uint64_t end,
		 uint64_t wanted, uint64_t flags,
		 void (*visit)(uint64_t start, uint64_t end, bool huge, void *argument),
		 void *argument)
{
	static struct kernel_abi_page_region regions[MOST_REGIONS];
	int file = open_pagemap(process);

	while (file >= 0 && start < end) {
		struct kernel_abi_page_scan arguments = {
			.size = sizeof(arguments),
			.flags = flags,
			.start = start,
			.end = end,
			.regions = (uint64_t)(uintptr_t)regions,
			.region_count = MOST_REGIONS,
			.inverted = KERNEL_ABI_PAGE_ZERO,
			.all_mask = wanted | KERNEL_ABI_PAGE_ZERO,
			.return_mask = KERNEL_ABI_PAGE_PRESENT | KERNEL_ABI_PAGE_HUGE,
		};
		int count = ioctl(file, KERNEL_ABI_PAGE_SCAN, &arguments);

		if (count < 0) {
			int saved_errno = errno;

			close(file);
			errno = saved_errno;
			return false;
		}
		for (int i = 0; i < count; i++)
			visit(regions[i].start, regions[i].end,
			      regions[i].categories & KERNEL_ABI_PAGE_HUGE, argument);
		if (arguments.walk_end <= start)
			break;
		start = arguments.walk_end;
	}
	if (file < 0)
		return false;
	close(file);
	return true;
}

bool memory_map_scan(const struct process *process, uint64_t start, uint64_t end,
		     void (*visit)(uint64_t start, uint64_t end, bool huge,
				   void *argument),
		     void *argument)
{
	return scan(process, start, end, KERNEL_ABI_PAGE_PRESENT, 0, visit, argument);
}

/* A page of our own, written after a clearing, tells whether the kernel keeps the bits. */
static bool kernel_has_soft_dirty(void)
{
	struct process own = { .pid = getpid() };
	size_t page_bytes = page_size();
	volatile char *page = mmap(NULL, page_bytes, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t entry = 0;
	int file = open_pagemap(&own);

	if (page != MAP_FAILED && file >= 0) {
		*page = 1;
		if (pread(file, &entry, sizeof(entry),
			  (off_t)((uintptr_t)page / page_bytes * 8)) != (ssize_t)sizeof(entry))
			entry = 0;
	}
	if (file >= 0)
		close(file);
	if (page != MAP_FAILED)
		munmap((void *)page, page_bytes);
	/* A mapping made since the last clearing counts as dirty, where there are such bits. */
	return entry >> 55 & 1;
}

bool memory_map_begin_dirty(const struct process *process)
{
	char path[64];
	bool done;
	int file;

	if (!kernel_has_soft_dirty()) {
		errno = ENOTSUP;
		return false;
	}
	snprintf(path, sizeof(path), "/proc/%d/clear_refs", (int)process->pid);
	file = open(path, O_WRONLY | O_CLOEXEC);
	done = file >= 0 && write(file, "4", 1) == 1;
	if (file >= 0)
		close(file);
	return done;
}

bool memory_map_scan_dirty(const struct process *process, uint64_t start, uint64_t end,
			   void (*visit)(uint64_t start, uint64_t end, bool huge,
					 void *argument),
			   void *argument)
{
	return scan(process, start, end, KERNEL_ABI_PAGE_PRESENT | KERNEL_ABI_PAGE_SOFT_DIRTY, 0,
		    visit, argument);
}

static void pass_over(uint64_t start, uint64_t end, bool huge, void *argument)
{
	(void)start;
	(void)end;
	(void)huge;
	(void)argument;
}

bool memory_map_protect(const struct process *process, uint64_t start, uint64_t end)
{
	return scan(process, start, end, KERNEL_ABI_PAGE_PRESENT | KERNEL_ABI_PAGE_WRITTEN,
		    KERNEL_ABI_PAGE_SCAN_PROTECT | KERNEL_ABI_PAGE_SCAN_CHECK, pass_over, NULL);
}

bool memory_map_scan_written(const struct process *process, uint64_t start, uint64_t end,
			     void (*visit)(uint64_t start, uint64_t end, bool huge,
					   void *argument),
			     void *argument)
{
	return scan(process, start, end, KERNEL_ABI_PAGE_PRESENT | KERNEL_ABI_PAGE_WRITTEN,
		    KERNEL_ABI_PAGE_SCAN_CHECK, visit, argument);
}
