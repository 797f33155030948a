/* SPDX-License-Identifier: MIT */
/*
 * populate_records.c - see populate_records.h.
 */
#include <config.h>

#include "upkeep/populate_records.h"

#include "back/superslab_record.h"
#include "os/vm.h"

/* What the fastest threads take in the 4 or 8 ms that others may have the helper's processor. */
#define AHEAD_MOST	32	/* superslabs … */
#define AHEAD_LEAST	2
#define AHEAD_SHARE	4	/* … or one for so many as there are */
#define AT_ONCE_LEAST	2	/* a call */

/* By the kernel, which changes nothing: a thread may have taken the superslab meanwhile. */
void populate_records_tick(struct populate_records *records, uint32_t first, uint32_t end)
{
	uint32_t ahead = (uint32_t)min_size(max_size(first / AHEAD_SHARE, AHEAD_LEAST), AHEAD_MOST);
	uint32_t next = (uint32_t)max_size(first, records->next);
	uint32_t until = (uint32_t)min_size(end, first + ahead);
	size_t page = vm_page_size();
	uintptr_t low, high;

	if (next >= until || (until < end && until < next + AT_ONCE_LEAST))
		return;
	records->next = until;
	/* They grow downwards. */
	low = (uintptr_t)superslab_at(until - 1) & ~(page - 1);
	high = align_up((uintptr_t)(superslab_at(next) + 1), page);
	vm_populate((void *)low, high - low);
}

/*
 * A page holds several units' parts; nobody else writes to those of a superslab that is the
 * helper's.
 */
void populate_records_touch(uint32_t superslab)
{
	struct unit_record *records = superslab_at(superslab)->records;
	unsigned unit, records_a_page = (unsigned)(vm_page_size() / UNIT_RECORD_BYTES);

	for (unit = 0; unit < SUPERSLAB_UNITS; unit += records_a_page)
		*(volatile uint64_t *)records[unit].words = records[unit].words[0];
	*(volatile uint64_t *)records[SUPERSLAB_UNITS - 1].words =
		records[SUPERSLAB_UNITS - 1].words[0];
}
