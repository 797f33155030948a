/* SPDX-License-Identifier: MIT */
/*
 * balance.c - see balance.h.
 */
#include <config.h>

#include "back/balance.h"

#include "back/large.h"
#include "back/superslab.h"

bool balance_toward_slabs(void)
{
	struct chunk chunk;
	uint32_t dirty;

	if (!large_give(NODE_EVERYWHERE, &chunk, &dirty))
		return false;
	superslab_receive(chunk, dirty);
	return true;
}

bool balance_toward_large(size_t bytes, size_t alignment)
{
	size_t room;
	struct chunk chunk;

	if (alignment <= SUPERSLAB_SIZE)
		alignment = 0;
	if (__builtin_add_overflow(bytes, alignment, &room) || room > reservation.bytes)
		return false;
	if (!superslab_give((uint32_t)(align_up(room, SUPERSLAB_SIZE) >> SUPERSLAB_SHIFT), &chunk))
		return false;
	if (large_receive(chunk))
		return true;
	superslab_receive(chunk, SUPERSLAB_ALL_UNITS);
	return false;
}
