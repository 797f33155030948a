/* SPDX-License-Identifier: MIT */
/*
 * slot_array.c - see slot_array.h.
 */
#include <config.h>

#include "front/slot_array.h"

#include "back/metadata.h"

void **slot_array_take(struct slot_pool *pool, unsigned order)
{
	void **array = pool->unused[order];

	if (!array)
		return metadata_take_open(slot_array_slots(order) * sizeof(void *));
	pool->unused[order] = *array;
	return array;
}

void slot_array_put(struct slot_pool *pool, void **array, unsigned order)
{
	*array = pool->unused[order];
	pool->unused[order] = array;
}
