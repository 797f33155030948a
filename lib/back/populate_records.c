/* SPDX-License-Identifier: MIT */
/*
 * populate_records.c - see populate_records.h.
 */
#include <config.h>

#include "back/populate_records.h"

#include "back/superslab_record.h"
#include "os/vm.h"

#define RECORDS_A_PAGE	(4096 / UNIT_RECORD_BYTES)
/* What the fastest threads take in the 4 ms that another may have the helper's processor. */
#define AHEAD_LEAST	32	/* superslabs … */
#define AHEAD_MOST	64	/* … or as many as there are */

/* By the kernel, which changes nothing: a thread may have taken the superslab meanwhile. */
void populate_records_tick(struct populate_records *records, uint32_t first, uint32_t end)
{
	uint32_t ahead = (uint32_t)min_size(max_size(first, AHEAD_LEAST), AHEAD_MOST);
	size_t page = vm_page_size();
	uintptr_t low, high;

	end = (uint32_t)min_size(end, first + ahead);
	if (records->next > first)
		first = records->next;
	if (first >= end)
		return;
	records->next = end;
	/* They grow downwards. */
	low = (uintptr_t)superslab_at(end - 1) & ~(page - 1);
	high = align_up((uintptr_t)(superslab_at(first) + 1), page);
	vm_populate((void *)low, high - low);
}

/* A page holds seven units' parts; nobody else writes to those of a superslab that is the helper's. */
void populate_records_touch(uint32_t superslab)
{
	struct unit_record *records = superslab_at(superslab)->records;
	unsigned unit;

	for (unit = 0; unit < SUPERSLAB_UNITS; unit += RECORDS_A_PAGE)
		*(volatile uint64_t *)records[unit].words = records[unit].words[0];
	*(volatile uint64_t *)records[SUPERSLAB_UNITS - 1].words =
		records[SUPERSLAB_UNITS - 1].words[0];
}
