/* SPDX-License-Identifier: MIT */
/* Armed by extents and disarmed when full, do the mappings stay few? */
#include <config.h>

#include "tests/kernel/kernel_test.h"

#define EXTENT			((size_t)64 << 20)
#define EXTENTS			16
#define MOST_MAPPINGS_AN_EXTENT 2

static int count_mappings(const char *start, size_t length)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long from, to;
	char line[512];
	int count = 0;

	if (!maps)
		skip("/proc/self/maps cannot be read");
	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			count += from < (uintptr_t)start + length &&
				 to > (uintptr_t)start;
	fclose(maps);
	return count;
}

/* One page stands for a superslab's: mappings do not depend on how many there are. */
static void fill_extent(struct fault_service *service, char *extent)
{
	struct fault_install done;

	for (size_t offset = 0; offset < EXTENT; offset += HUGE_PAGE)
		expect(!fault_service_copy(service, extent + offset, service->zero_page,
					   PAGE, &done),
		       "no copy");
}

int main(void)
{
	struct fault_service service;
	char *range = map_range(EXTENTS * EXTENT);
	int count;

	require_way(FAULT_PROBE_COPY);
	open_service(&service, 0);
	for (int i = 0; i < EXTENTS; i++) {
		char *extent = range + (size_t)i * EXTENT;

		/* Each second one is plain: taken while the stock was empty. */
		if (i % 2 == 0) {
			expect(!fault_service_arm(&service, extent, EXTENT), "not armed");
			fill_extent(&service, extent);
		} else {
			for (size_t offset = 0; offset < EXTENT; offset += HUGE_PAGE)
				extent[offset] = 1;
		}
	}
	count = count_mappings(range, EXTENTS * EXTENT);
	expect(count > EXTENTS / 2, "armed ranges do not show: %d", count);
	expect(count <= MOST_MAPPINGS_AN_EXTENT * EXTENTS, "%d mappings", count);
	for (int i = 0; i < EXTENTS; i += 2)
		expect(!fault_service_disarm(&service, range + (size_t)i * EXTENT,
					     EXTENT),
		       "not disarmed");
	/* How many merge again is the kernel's: pages written before keep some apart. */
	expect(count_mappings(range, EXTENTS * EXTENT) <= count, "disarming split more");
	return 0;
}
