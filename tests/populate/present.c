/* SPDX-License-Identifier: MIT */
/*
 * present.c - see present.h. Pages in swap count: they are there for the program.
 */
#include "tests/populate/present.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "os/kernel_abi.h"
#include "tests/contract/case.h"

enum { ENTRIES_AT_ONCE = 1 << 16, REGIONS_AT_ONCE = 256 };

static int open_page_map(void)
{
	int file = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	if (file < 0)
		contract_skip("/proc/self/pagemap cannot be read");
	return file;
}

/* False: the kernel does not know the request. */
static bool scan(int file, uintptr_t from, uintptr_t to, size_t *bytes)
{
	struct kernel_abi_page_region regions[REGIONS_AT_ONCE];
	struct kernel_abi_page_scan arguments = {
		.size = sizeof(arguments),
		.start = from,
		.end = to,
		.regions = (uint64_t)(uintptr_t)regions,
		.region_count = REGIONS_AT_ONCE,
		.any_mask = KERNEL_ABI_PAGE_PRESENT | KERNEL_ABI_PAGE_SWAPPED,
		.return_mask = KERNEL_ABI_PAGE_PRESENT | KERNEL_ABI_PAGE_SWAPPED,
	};

	for (*bytes = 0; arguments.start < to; arguments.start = arguments.walk_end) {
		int count = ioctl(file, KERNEL_ABI_PAGE_SCAN, &arguments);

		if (count < 0)
			return false;
		for (int i = 0; i < count; i++)
			*bytes += regions[i].end - regions[i].start;
	}
	return true;
}

size_t present_bytes_by_entries(uintptr_t from, uintptr_t to)
{
	static uint64_t entries[ENTRIES_AT_ONCE];
	size_t page = (size_t)sysconf(_SC_PAGESIZE), present = 0;
	int file = open_page_map();

	while (from < to) {
		size_t want = (to - from) / page;
		ssize_t got;

		if (want > ENTRIES_AT_ONCE)
			want = ENTRIES_AT_ONCE;
		got = pread(file, entries, want * sizeof(*entries),
			    (off_t)(from / page * sizeof(*entries)));
		CHECK(got > 0);
		for (size_t i = 0; i < (size_t)got / sizeof(*entries); i++)
			present += (entries[i] >> 63 | entries[i] >> 62) & 1 ? page : 0;
		from += (uintptr_t)got / sizeof(*entries) * page;
	}
	close(file);
	return present;
}

size_t present_bytes(uintptr_t from, uintptr_t to)
{
	int file = open_page_map();
	size_t bytes;
	bool known = scan(file, from, to, &bytes);

	close(file);
	return known ? bytes : present_bytes_by_entries(from, to);
}
