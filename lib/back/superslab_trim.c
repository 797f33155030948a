/* SPDX-License-Identifier: MIT */
/*
 * superslab_trim.c - see superslab_trim.h.
 */
#include <config.h>

#include "back/superslab_trim.h"

#include <limits.h>

#include "back/brought.h"
#include "back/release.h"
#include "back/stock.h"
#include "back/superslab.h"
#include "back/superslab_claim.h"
#include "os/topology.h"
#include "os/vm.h"

#define CHILD_TRIMS_MOST	512	/* superslabs: 5 ms where each splits a huge page */

/* Releases a mask run by run; returns the mask of what went. */
static uint32_t release_units(uint32_t index, uint32_t mask)
{
	uint32_t released = 0;

	while (mask) {
		unsigned first = (unsigned)__builtin_ctz(mask);
		uint32_t rest = ~(mask >> first);
		unsigned units = rest ? (unsigned)__builtin_ctz(rest) : SUPERSLAB_UNITS;
		uint32_t run = superslab_run_mask(first, units);

		if (release_range(reservation_unit_start(index * SUPERSLAB_UNITS + first),
				  units * UNIT_SIZE))
			released |= run;
		mask &= ~run;
	}
	return released;
}

/* Of so many superslabs at most; those without free units that have pages do not count. */
static size_t trim_some(unsigned most)
{
	uint32_t index, end = superslab_count();
	size_t bytes = 0;

	/* Of the large range: nothing is free there. */
	for (index = 0; index < end && most; index++) {
		uint32_t claimed = superslab_claim(index, SUPERSLAB_ALL_UNITS);
		uint32_t released;

		if (!claimed)
			continue;
		released = release_units(index, claimed);
		superslab_claim_put(index, claimed, released);
		bytes += (size_t)__builtin_popcount(released) * UNIT_SIZE;
		most--;
	}
	return bytes;
}

size_t superslab_trim(void)
{
	return trim_some(UINT_MAX);
}

/* Refused, or no slot for it: it stays as it is. */
static bool superslab_trim_drop_one(unsigned home)
{
	uint32_t index = stock_pop(home, STOCK_READY);

	if (index == SUPERSLAB_NONE)
		return false;
	if (vm_drop(reservation_unit_start(index * SUPERSLAB_UNITS), SUPERSLAB_SIZE)) {
		stock_push(home, STOCK_READY, index);
		return false;
	}
	brought_give_up(SUPERSLAB_SIZE);
	return stock_push(home, STOCK_SPARE, index);
}

void superslab_trim_in_child(void)
{
	unsigned home;

	trim_some(CHILD_TRIMS_MOST);
	for (home = 0; home < topology.homes; home++)
		while (stock_length(home, STOCK_SPARE) < STOCK_SLOTS &&
		       superslab_trim_drop_one(home))
			;
}
