/* SPDX-License-Identifier: MIT */
/*
 * superslab_take.c - see superslab_take.h.
 */
#include <config.h>

#include "back/superslab_take.h"

#include <stdint.h>

#include "back/charge.h"
#include "back/helper_link.h"
#include "back/large.h"
#include "back/large_count.h"
#include "back/stock.h"
#include "back/superslab.h"
#include "back/superslab_list.h"
#include "os/lock.h"
#include "os/topology.h"
#include "support/options.h"

/*
 * Less than this share of the heap is left to large blocks: the room in which they grow in place.
 */
#define LARGE_SHARE	4

/* Of each home: in the newest chunk; 0: the last was refused. By superslab lock. */
static uint32_t newest_superslabs[TOPOLOGY_HOMES_MAX];

/* A program that was of large blocks and becomes one of small ones needs no new memory for them. */
static bool large_lies_free(void)
{
	struct large_counts counts = large_count_read();

	return counts.free_dirty_bytes + counts.free_clean_bytes >
	       reservation_opened_bytes() / LARGE_SHARE;
}

static bool superslab_take_take_over(unsigned home)
{
	struct chunk chunk;
	uint32_t dirty;

	/* Pages that are everyone's stay so. */
	if (options.large_policy == LARGE_INTERLEAVE || !large_lies_free() ||
	    !large_give(home, &chunk, &dirty))
		return false;
	superslab_receive(chunk, dirty);
	return true;
}

/* With the superslab lock. */
static void receive_fresh(const struct chunk *chunk)
{
	uint32_t first = chunk->first_unit / SUPERSLAB_UNITS, index, end;
	unsigned home = chunk->home;

	newest_superslabs[home] = chunk->units / SUPERSLAB_UNITS;
	stock_set_fresh(home, first, first + newest_superslabs[home], &index, &end);
	/*
	 * Another chunk's rest, which a large one may lie behind: the helper fills it like what is
	 * fresh.
	 */
	for (; index < end; index++)
		if (!stock_push(home, STOCK_SPARE, index))
			superslab_enter_bare(index, home);
}

static bool superslab_take_open_chunk(unsigned home)
{
	struct chunk chunk;

	if (reservation_open(SUPERSLAB_UNITS, CHUNK_SLABS, home, &chunk))
		return false;
	if (chunk.units == 0)
		return true;
	lock_take(superslab_fork_lock());
	receive_fresh(&chunk);
	lock_put(superslab_fork_lock());
	helper_link_wake();
	return true;
}

static bool superslab_take_open_more(unsigned home)
{
	return superslab_take_take_over(home) || superslab_take_open_chunk(home);
}

/* There is enough for now: a refusal is remembered, and nothing else. */
static void open_ahead(unsigned home)
{
	if (superslab_take_open_chunk(home))
		return;
	lock_take(superslab_fork_lock());
	newest_superslabs[home] = 0;
	lock_put(superslab_fork_lock());
}

/*
 * Less is fresh than the helper may need, which fills some ahead of threads. Never for what is too
 * small for a helper, nor where it would be in the way.
 */
static bool runs_low(unsigned home)
{
	uint32_t first, end, wanted;
	bool bare;

	lock_take(superslab_fork_lock());
	wanted = (newest_superslabs[home] + 1) / 2;
	bare = superslab_list_first(home, SUPERSLAB_LIST_BARE);
	lock_put(superslab_fork_lock());
	if (reservation_opened_bytes() < HELPER_LINK_PLAIN_BYTES ||
	    reservation.limit_bytes != SIZE_MAX ||
	    bare || large_lies_free())
		return false;
	stock_read_fresh(home, &first, &end);
	return end - first + stock_length(home, STOCK_SPARE) < wanted;
}

/* Opens ahead of a heap that grows; one that is served from what it has needs no call. */
static uint32_t take_or_open(struct superslab_wish wish, bool *zeroed)
{
	uint32_t unit;
	bool grows;

	do
		unit = superslab_take_free(wish, zeroed, &grows);
	while (unit == UNIT_NONE && superslab_take_open_more(wish.home));
	if (unit != UNIT_NONE && grows && runs_low(wish.home))
		open_ahead(wish.home);
	return unit;
}

uint32_t superslab_take_slab(unsigned units, unsigned alignment, unsigned home, unsigned kind,
			     bool *zeroed)
{
	struct superslab_wish wish = { units, alignment, home, kind, false };
	uint32_t unit;

	if (!charge_take(units * UNIT_SIZE))
		return UNIT_NONE;
	unit = take_or_open(wish, zeroed);
	if (unit == UNIT_NONE)
		unit = superslab_take_anywhere(wish, zeroed);
	if (unit == UNIT_NONE)
		charge_put(units * UNIT_SIZE);
	return unit;
}
