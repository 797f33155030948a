/* SPDX-License-Identifier: MIT */
/*
 * slab_source.c - see slab_source.h.
 */
#include <config.h>

#include "middle/slab_source.h"

#include "back/balance.h"
#include "back/charge.h"
#include "back/limit.h"
#include "back/superslab.h"
#include "back/superslab_take.h"

static uint32_t slab_source_take_once(unsigned units, unsigned alignment, unsigned home,
				      unsigned kind, bool *zeroed)
{
	uint32_t first;

	do {
		first = superslab_take_slab(units, alignment, home, kind, zeroed);
	} while (first == UNIT_NONE && charge_allows(units * UNIT_SIZE) &&
		 balance_toward_slabs());
	if (first == UNIT_NONE || limit_holds())
		return first;
	superslab_put_slab(first, units);
	return UNIT_NONE;
}

uint32_t slab_source_take(unsigned units, unsigned alignment, unsigned home, unsigned kind,
			  bool *zeroed)
{
	unsigned tries = 0;
	uint32_t first;

	do {
		first = slab_source_take_once(units, alignment, home, kind, zeroed);
	} while (first == UNIT_NONE && limit_try_again(units * UNIT_SIZE, &tries));
	return first;
}
