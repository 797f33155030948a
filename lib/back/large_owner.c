/* SPDX-License-Identifier: MIT */
/*
 * large_owner.c - see large_owner.h.
 */
#include <config.h>

#include "back/large_owner.h"

#include <stdbool.h>
#include <stddef.h>

#include "back/large.h"
#include "back/large_run.h"

#define LOOKS	4096	/* under one hold of the lock */

static bool owners;	/* some block has had one; by large lock */

void large_owner_set(void *block, uint32_t owner)
{
	large_lock();
	owners = true;
	large_run_at(reservation_unit_of(block))->owner = owner;
	large_unlock();
}

/* With the lock: from a unit on, so many at most; *next: where to go on. */
static uint32_t find(uint32_t owner, uint32_t unit, uint32_t *next)
{
	uint32_t end = unit + LOOKS;

	for (; unit < end && reservation_large_unit_is_open(unit); unit++)
		if (large_run_at(unit)->state == RUN_LIVE && large_run_at(unit)->owner == owner)
			break;
	*next = unit;
	return unit < end && reservation_large_unit_is_open(unit) ? unit : UNIT_NONE;
}

void *large_owner_find(uint32_t owner)
{
	uint32_t unit = UNIT_NONE, next = 0;
	bool more;

	do {
		large_lock();
		more = owners && reservation_large_unit_is_open(next);
		if (more)
			unit = find(owner, next, &next);
		if (unit != UNIT_NONE)
			large_run_at(unit)->owner = 0;
		large_unlock();
	} while (more && unit == UNIT_NONE);
	return unit == UNIT_NONE ? NULL : reservation_unit_start(unit);
}
