/* SPDX-License-Identifier: MIT */
/*
 * residence.c - see residence.h. The kernel is asked for some megabytes at a time, since it holds
 * a lock for as long as it answers.
 */
#include <config.h>

#include "os/residence.h"

#include <errno.h>

#include "os/kernel_abi.h"
#include "support/compiler.h"
#include "support/kernel_file.h"
#include "support/page_size.h"
#include "support/system_call.h"

#define REGIONS		64
#define PAGES_AT_ONCE	4096	/* under one hold of the kernel's lock */
#define STEP_BYTES	(256 * MiB)	/* of what is not there, which is skipped quickly */
#define PIECE_BYTES	(2 * MiB)	/* of which a part may be somebody else's, or nobody's */
#define PIECE_PAGES	(PIECE_BYTES / ARCH_LEAST_PAGE_BYTES)

int residence_open(void)
{
	return kernel_file_open("/proc/self/pagemap");
}

uint64_t residence_count(int map, uint64_t start, uint64_t end, uint64_t *present,
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

bool residence_of_range(uint64_t start, uint64_t end, uint64_t *bytes)
{
	int map = residence_open();
	uint64_t at = start, huge = 0;

	*bytes = 0;
	if (map < 0)
		return false;
	while (at && at < end)
		at = residence_count(map, at, min_size(end, at + STEP_BYTES), bytes, &huge);
	system_call(SYS_close, map);
	return at >= end;
}

/* A piece; 0 or -errno. */
static long add_piece(uint64_t start, uint64_t length, uint64_t *bytes)
{
	unsigned char pages[PIECE_PAGES];
	uint64_t i, count = length / page_size();
	long error = system_call(SYS_mincore, start, length, pages);

	if (error)
		return error;
	for (i = 0; i < count; i++)
		*bytes += (pages[i] & 1) * page_size();
	return 0;
}

bool residence_of_mapped(uint64_t start, uint64_t end, uint64_t *bytes)
{
	*bytes = 0;
	for (; start < end; start += PIECE_BYTES) {
		long error = add_piece(start, min_size(PIECE_BYTES, end - start), bytes);

		/* -ENOMEM: a part of it is not mapped. */
		if (error && error != -ENOMEM)
			return false;
	}
	return true;
}
