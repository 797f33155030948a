/* SPDX-License-Identifier: MIT */
/*
 * slab_brought.c - see slab_brought.h.
 */
#include <config.h>

#include "middle/slab_brought.h"

#include "back/brought.h"
#include "back/superslab_brought.h"

bool slab_brought_take(uint32_t first, unsigned units)
{
	uint32_t mask = superslab_run_mask(first % SUPERSLAB_UNITS, units);
	uint32_t brought = superslab_brought_take(first / SUPERSLAB_UNITS, mask);

	if (brought && brought != mask)
		brought_give_up((unsigned)__builtin_popcount(brought) * UNIT_SIZE);
	return brought == mask;
}

void slab_brought_drop(struct slab *slab)
{
	if (slab->brought)
		brought_give_up(slab_class(slab)->units * UNIT_SIZE -
				(size_t)slab->untouched_from * slab_class(slab)->size);
	slab->brought = false;
}

void slab_brought_use(struct slab *slab, unsigned from, uint32_t lane)
{
	if (slab->brought)
		brought_use(lane, (size_t)(slab->untouched_from - from) *
						  slab_class(slab)->size);
	/* What lies behind the last block is nobody's. */
	if (slab->untouched_from == slab_class(slab)->capacity)
		slab_brought_drop(slab);
}
