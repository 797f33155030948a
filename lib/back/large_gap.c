/* SPDX-License-Identifier: MIT */
/*
 * large_gap.c - see large_gap.h.
 */
#include <config.h>

#include "back/large_gap.h"

#include "back/large.h"
#include "back/large_count.h"
#include "back/large_run.h"

void large_gap_set(void *block, uint32_t units)
{
	struct large_unit *run = large_run_at(reservation_unit_of(block));
	uint32_t bytes = units * (uint32_t)UNIT_SIZE;

	large_lock();
	run->gap_units = units;
	/* It was not asked for. */
	run->slack += bytes;
	large_count_add(0, 0, bytes);
	large_unlock();
}

size_t large_gap_bytes(const void *block)
{
	return large_run_at(reservation_unit_of(block))->gap_units * UNIT_SIZE;
}
