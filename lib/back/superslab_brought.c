/* SPDX-License-Identifier: MIT */
/*
 * superslab_brought.c - see superslab_brought.h.
 */
#include <config.h>

#include "back/superslab_brought.h"

#include "back/brought.h"
#include "back/superslab_record.h"

uint32_t superslab_brought_take(uint32_t index, uint32_t mask)
{
	struct superslab *superslab = superslab_at(index);

	if (!(atomic_load_explicit(&superslab->brought, memory_order_relaxed) & mask))
		return 0;
	return atomic_fetch_and_explicit(&superslab->brought, ~mask, memory_order_relaxed) & mask;
}

void superslab_brought_drop(uint32_t index, uint32_t mask)
{
	uint32_t units = superslab_brought_take(index, mask);

	if (units)
		brought_give_up((unsigned)__builtin_popcount(units) * UNIT_SIZE);
}
