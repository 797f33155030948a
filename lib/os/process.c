/* SPDX-License-Identifier: MIT */
/*
 * process.c - see process.h.
 */
#include <config.h>

#include "os/process.h"

#include <string.h>
#include <time.h>

#include "os/clock.h"
#include "os/kernel_abi.h"
#include "support/kernel_file.h"
#include "support/system_call.h"

#define REGIONS		64
#define PAGES_AT_ONCE	4096	/* under one hold of the kernel's lock */

bool process_has_no_huge_pages(void)
{
	char text[64];

	return kernel_file_read("/sys/kernel/mm/transparent_hugepage/enabled", text,
				sizeof(text)) <= 0 ||
	       strstr(text, "[never]");
}

static uint64_t read_clock(clockid_t clock)
{
	struct timespec now;

	system_call(SYS_clock_gettime, clock, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

/* Not by a call, where it can be helped: a filter of the program's might kill for it. */
uint64_t process_now_ns(void)
{
	uint64_t now_ns = clock_now_ns();

	return now_ns ? now_ns : read_clock(CLOCK_MONOTONIC);
}

uint64_t process_date_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}

int process_open_page_map(void)
{
	return kernel_file_open("/proc/self/pagemap");
}

uint64_t process_count_pages(int map, uint64_t start, uint64_t end, uint64_t *present,
			     uint64_t *huge)
{
	struct kernel_abi_page_region regions[REGIONS];
	struct kernel_abi_page_scan scan = {
		.size = sizeof(scan), .start = start, .end = end,
		.regions = (uint64_t)(uintptr_t)regions, .region_count = REGIONS,
		.most_pages = PAGES_AT_ONCE,
		.inverted = KERNEL_ABI_PAGE_ZERO,
		.all_mask = KERNEL_ABI_PAGE_PRESENT | KERNEL_ABI_PAGE_ZERO,
		.return_mask = KERNEL_ABI_PAGE_PRESENT | KERNEL_ABI_PAGE_HUGE,
	};
	long i, found = system_call(SYS_ioctl, map, KERNEL_ABI_PAGE_SCAN, &scan);

	if (found < 0)
		return 0;
	for (i = 0; i < found; i++) {
		uint64_t bytes = regions[i].end - regions[i].start;

		*present += bytes;
		if (regions[i].categories & KERNEL_ABI_PAGE_HUGE)
			*huge += bytes;
	}
	return scan.walk_end;
}
