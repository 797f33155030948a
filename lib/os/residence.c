/* SPDX-License-Identifier: MIT */
/*
 * residence.c - see residence.h. The kernel is asked for some megabytes at a time, since it holds
 * a lock for as long as it answers.
 */
#include <config.h>

#include "os/residence.h"

#include <errno.h>

#include "os/process.h"
#include "support/compiler.h"
#include "support/page_size.h"
#include "support/system_call.h"

#define STEP_BYTES	(16 * MiB)
#define PIECE_BYTES	(2 * MiB)	/* of which a part may be somebody else's, or nobody's */
#define PIECE_PAGES	(PIECE_BYTES / ARCH_LEAST_PAGE_BYTES)

bool residence_of_range(uint64_t start, uint64_t end, uint64_t *bytes)
{
	int map = process_open_page_map();
	uint64_t at = start, huge = 0;

	*bytes = 0;
	if (map < 0)
		return false;
	while (at && at < end)
		at = process_count_pages(map, at, min_size(end, at + STEP_BYTES), bytes, &huge);
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
