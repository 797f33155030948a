/* SPDX-License-Identifier: MIT */
/*
 * populate_records.h - the records of superslabs that nobody has taken yet. They are of
 * first-touched memory like any other: where threads outrun the helper and take huge pages
 * themselves, most of their page faults would be those. Called by populate_ahead alone.
 */
#ifndef HAKMEM_UPKEEP_POPULATE_RECORDS_H
#define HAKMEM_UPKEEP_POPULATE_RECORDS_H

#include <stdint.h>

/* The first whose record was not looked at. */
struct populate_records {
	uint32_t next;
};

/* Of the next few of a range that is open and that nobody has taken. */
void populate_records_tick(struct populate_records *records, uint32_t first, uint32_t end);

/* Of one that is the helper's. */
void populate_records_touch(uint32_t superslab);

#endif
