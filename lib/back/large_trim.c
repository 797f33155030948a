/* SPDX-License-Identifier: MIT */
/*
 * large_trim.c - gives the memory of free large runs back at once, on the caller's time. Of
 * large.h; apart from large.c, where a thread that takes or frees a block finds all that it runs.
 */
#include <config.h>

#include "back/large.h"
#include "back/large_run.h"
#include "back/release.h"

/* Takes a dirty free run away from everyone, so that the kernel can work on it. */
static uint32_t take_dirty(uint32_t from, uint32_t *units)
{
	uint32_t unit;

	large_lock();
	large_run_settle();
	do {
		unit = large_run_find_dirty(from);
	} while (unit != UNIT_NONE && !large_run_remove(unit));
	if (unit != UNIT_NONE) {
		*units = large_run_at(unit)->units;
		large_run_set(unit, *units, RUN_AWAY);
	}
	large_unlock();
	return unit;
}

size_t large_trim(void)
{
	uint32_t unit, units = 0, from = 0, dirty;
	size_t bytes = 0;

	while ((unit = take_dirty(from, &units)) != UNIT_NONE) {
		bool released = release_range(reservation_unit_start(unit),
					      (size_t)units << UNIT_SHIFT);

		large_lock();
		dirty = large_run_count_dirty(unit, units);
		if (released) {
			bytes += (size_t)dirty << UNIT_SHIFT;
			large_run_mark(unit, units, false);
			dirty = 0;
		}
		large_run_insert(unit, units, dirty);
		large_unlock();
		from = unit + units;
	}
	return bytes;
}
