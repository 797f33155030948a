/* SPDX-License-Identifier: MIT */
/*
 * limit.c - see limit.h.
 */
#include <config.h>

#include "back/limit.h"

#include "back/helper_link.h"
#include "back/large.h"
#include "back/large_count.h"
#include "back/stock.h"
#include "back/superslab.h"
#include "back/superslab_trim.h"
#include "os/topology.h"

#define STAGED_BYTES	(4 * MiB)	/* at most, where there is a helper */

/*
 * Of what has pages; what had some keeps its records, which are 0.9 % of it. Not by the highest
 * superslab: the large range may have opened any address space below it.
 */
static size_t metadata_bytes(size_t large_bytes)
{
	return (reservation_populated_bytes() >> UNIT_SHIFT) * UNIT_RECORD_BYTES +
	       (large_bytes >> UNIT_SHIFT) * LARGE_RECORD_BYTES + reservation_metadata_bytes();
}

size_t limit_held_bytes(void)
{
	struct large_counts large = large_count_read();
	size_t held = reservation_populated_bytes() + large.live_bytes + large.free_dirty_bytes;
	unsigned home;

	for (home = 0; home < topology.homes; home++)
		held += stock_length(home, STOCK_READY) * SUPERSLAB_SIZE;
	held += metadata_bytes(large.live_bytes);
	return helper_link_is_running() ? held + STAGED_BYTES : held;
}

bool limit_wants_room(void)
{
	return options.limit_soft_bytes != SIZE_MAX &&
	       limit_held_bytes() > options.limit_soft_bytes;
}

bool limit_make_room(void)
{
	if (limit_held_bytes() <= options.limit_hard_bytes)
		return true;
	superslab_take_stock();
	superslab_trim();
	large_trim();
	return limit_held_bytes() <= options.limit_hard_bytes;
}
