/* SPDX-License-Identifier: MIT */
/*
 * reports.c - glibc's questions about the heap, answered with real values.
 */
#include <config.h>

#include "entry/reports.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <unistd.h>

#include <hakmem/hakmem.h>

#include "back/reservation.h"
#include "control/usage.h"
#include "support/log.h"

/* "In use" is what the program holds; the difference to arena is free, in blocks and in slabs. */
struct mallinfo2 reports_mallinfo2(void)
{
	struct mallinfo2 info = { 0 };
	struct usage usage;

	usage_read(&usage);
	info.arena = usage.opened - usage.large_in_use;
	info.ordblks = usage.free_block_count;
	info.hblks = usage.large_count;
	info.hblkhd = usage.large_in_use;
	info.uordblks = usage.blocks_in_use;
	info.fordblks = info.arena - info.uordblks;
	info.keepcost = info.arena - usage.slabs;
	return info;
}

/* glibc's own wraps; a value that does not fit is better shown as the largest. */
static int saturated(size_t value)
{
	return value > INT_MAX ? INT_MAX : (int)value;
}

struct mallinfo reports_mallinfo(void)
{
	struct mallinfo2 wide = reports_mallinfo2();

	return (struct mallinfo){
		.arena = saturated(wide.arena),
		.ordblks = saturated(wide.ordblks),
		.hblks = saturated(wide.hblks),
		.hblkhd = saturated(wide.hblkhd),
		.uordblks = saturated(wide.uordblks),
		.fordblks = saturated(wide.fordblks),
		.keepcost = saturated(wide.keepcost),
	};
}

/* A class is for more bytes than this. */
static unsigned below_of(unsigned class)
{
	if (class >= CLASS_BETWEEN_FIRST)
		class -= CLASS_BETWEEN_FIRST - CLASS_BETWEEN_LOWER - 1;
	else if (size_class_is_aligned_only(class))	/* exactly so large */
		return size_class_table[class].size - 1;
	return class ? size_class_table[class - 1].size : 0;
}

/* The shape that glibc's malloc_info(3) writes: one heap, free sizes, totals, system. */
int reports_malloc_info(int flags, FILE *stream)
{
	struct usage usage;
	unsigned class;

	if (flags != 0)
		return EINVAL;
	usage_read(&usage);
	fprintf(stream, "<malloc version=\"1\">\n<heap nr=\"0\">\n<sizes>\n");
	for (class = 0; class < CLASS_COUNT; class++) {
		size_t count = usage.free_count_of_class[class];
		unsigned below = below_of(class);

		if (count)
			fprintf(stream,
				"  <size from=\"%u\" to=\"%u\" total=\"%zu\" count=\"%zu\"/>\n",
				below + 1, size_class_table[class].size,
				count * size_class_table[class].size, count);
	}
	fprintf(stream, "</sizes>\n"
		"<total type=\"fast\" count=\"0\" size=\"0\"/>\n"
		"<total type=\"rest\" count=\"%zu\" size=\"%zu\"/>\n"
		"<system type=\"current\" size=\"%zu\"/>\n"
		"<system type=\"max\" size=\"%zu\"/>\n"
		"<aspace type=\"total\" size=\"%zu\"/>\n"
		"<aspace type=\"mprotect\" size=\"%zu\"/>\n"
		"</heap>\n",
		usage.free_block_count, usage.blocks_free, usage.slabs, usage.slabs,
		reservation.bytes, usage.opened);
	fprintf(stream, "<total type=\"fast\" count=\"0\" size=\"0\"/>\n"
		"<total type=\"rest\" count=\"%zu\" size=\"%zu\"/>\n"
		"<total type=\"mmap\" count=\"%zu\" size=\"%zu\"/>\n"
		"<system type=\"current\" size=\"%zu\"/>\n"
		"<system type=\"max\" size=\"%zu\"/>\n"
		"<aspace type=\"total\" size=\"%zu\"/>\n"
		"<aspace type=\"mprotect\" size=\"%zu\"/>\n"
		"</malloc>\n",
		usage.free_block_count, usage.blocks_free, usage.large_count,
		usage.large_in_use, usage.slabs, usage.slabs, reservation.bytes, usage.opened);
	return 0;
}

void reports_malloc_stats(void)
{
	struct usage usage;

	usage_read(&usage);
	log_warning("in use %zu B in blocks, %zu B in %zu large blocks", usage.blocks_in_use,
		    usage.large_in_use, usage.large_count);
	log_warning("free %zu B in %zu blocks of slabs and thread caches", usage.blocks_free,
		    usage.free_block_count);
	log_warning("slabs %zu B, opened %zu B, reserved %zu B", usage.slabs, usage.opened,
		    reservation.bytes);
}

/*
 * What glibc's parameters tune (bins, arenas, the top of the heap) has no counterpart here;
 * a known one is accepted, since programs treat a refusal as an error.
 */
int reports_mallopt(int parameter, int value)
{
	(void)value;
	return parameter == M_MXFAST || (parameter <= M_TRIM_THRESHOLD && parameter >= M_ARENA_MAX);
}
