/* SPDX-License-Identifier: MIT */
/*
 * large.c - see large.h. The lists of free runs are in large_run.c.
 */
#include <config.h>

#include "back/large.h"

#include <stdint.h>

#include "back/charge.h"
#include "back/helper_link.h"
#include "back/idle.h"
#include "back/large_count.h"
#include "back/large_run.h"
#include "back/marked.h"
#include "os/lock.h"
#include "os/node.h"
#include "support/invariant.h"
#include "support/options.h"

static struct lock lock;

static _Atomic size_t spilled_bytes;	/* relaxed: a count */

struct lock *large_fork_lock(void)
{
	return &lock;
}

void large_lock(void)
{
	lock_take(&lock);
}

void large_unlock(void)
{
	lock_put(&lock);
}

/* 0: more than the heap can ever hold. */
static uint32_t units_of(size_t bytes)
{
	size_t units = (bytes >> UNIT_SHIFT) + ((bytes & (UNIT_SIZE - 1)) != 0);

	return units <= reservation.bytes >> UNIT_SHIFT ? (uint32_t)units : 0;
}

/* With the lock. What was never used is not looked at: its records are many, and have no pages. */
static void leave_free(uint32_t unit, uint32_t units, bool is_clean)
{
	if (units)
		large_run_insert(unit, units, is_clean ? 0 : large_run_count_dirty(unit, units));
}

/*
 * With the lock: makes part of a free run live; what is left of it stays free. False: it is
 * being released.
 */
static bool split_off(uint32_t run, uint32_t first, uint32_t units)
{
	uint32_t end = run + large_run_at(run)->units;
	bool is_clean = large_run_at(run)->dirty_units == 0;

	if (!large_run_remove(run))
		return false;
	large_run_at(end - 1)->state = RUN_NONE;
	large_run_at(run)->state = RUN_NONE;
	INVARIANT(first >= run && first + units <= end);
	large_run_set(first, units, RUN_LIVE);
	leave_free(run, first - run, is_clean);
	leave_free(first + units, end - first - units, is_clean);
	return true;
}

/* With the lock: units out of the free runs, live; UNIT_NONE: none fits. */
static uint32_t find_and_split(uint32_t units, uint32_t alignment, unsigned home, bool thorough)
{
	uint32_t run, first = UNIT_NONE;

	large_run_settle();
	do {
		run = large_run_find(units, alignment, home, thorough, &first);
	} while (run != UNIT_NONE && !split_off(run, first, units));
	return run == UNIT_NONE ? UNIT_NONE : first;
}

/* With the lock: how far the dirty units of a run reach, in bytes. */
static size_t dirty_extent(uint32_t unit, uint32_t units)
{
	while (units && !large_run_at(unit + units - 1)->dirty)
		units--;
	return (size_t)units << UNIT_SHIFT;
}

/* With the lock: notes what a live block was asked for with. */
static void set_slack(uint32_t unit, size_t bytes)
{
	struct large_unit *run = large_run_at(unit);
	uint32_t slack = (uint32_t)(((size_t)run->units << UNIT_SHIFT) - bytes);

	large_count_add(0, 0, (int64_t)slack - run->slack);
	run->slack = slack;
}

static uint32_t large_take_run(uint32_t units, uint32_t alignment, unsigned home, bool thorough,
			       size_t bytes, size_t *dirty_bytes)
{
	uint32_t first;

	lock_take(&lock);
	first = find_and_split(units, alignment, home, thorough);
	if (first != UNIT_NONE) {
		*dirty_bytes = dirty_extent(first, units);
		large_run_at(first)->slack = 0;
		large_run_at(first)->owner = 0;
		set_slack(first, bytes);
		large_count_add((int32_t)units, 1, 0);
	}
	lock_put(&lock);
	return first;
}

/*
 * What is missing of so many side by side: what is opened merges with the free run before it, if
 * nobody takes either meanwhile.
 */
static uint32_t missing_units(uint32_t units, unsigned home)
{
	uint32_t have;

	lock_take(&lock);
	large_run_settle();
	have = large_run_last_free_units(home);
	lock_put(&lock);
	return have < units ? units - have : units;
}

/* Opens another chunk; it merges with a free run before it. */
static bool large_open_more(uint32_t units, unsigned home)
{
	unsigned place = options.large_policy == LARGE_INTERLEAVE ? NODE_EVERYWHERE : home;
	uint32_t wanted = (uint32_t)align_up(units, SUPERSLAB_UNITS);
	struct chunk chunk;

	if (reservation_open(wanted, CHUNK_LARGE, place, &chunk))
		return false;
	lock_take(&lock);
	if (chunk.units) {
		large_run_set_home(chunk.first_unit, chunk.units, place);
		large_count_add_range((int32_t)chunk.units);
		large_run_insert(chunk.first_unit, chunk.units, 0);
	}
	lock_put(&lock);
	return true;
}

/* No more can be opened: whatever is free in whoever's home is better than nothing. */
static uint32_t take_anywhere(uint32_t units, uint32_t alignment, size_t bytes,
			      size_t *dirty_bytes)
{
	uint32_t unit = UNIT_NONE;
	unsigned home;

	for (home = 0; unit == UNIT_NONE && home < topology.homes; home++)
		unit = large_take_run(units, alignment, home, true, bytes, dirty_bytes);
	if (unit != UNIT_NONE && topology_has_homes())
		atomic_fetch_add_explicit(&spilled_bytes, (size_t)units << UNIT_SHIFT,
					  memory_order_relaxed);
	return unit;
}

size_t large_spilled_bytes(void)
{
	return atomic_load_explicit(&spilled_bytes, memory_order_relaxed);
}

void *large_take_at(unsigned home, size_t bytes, size_t alignment, size_t *dirty_bytes)
{
	uint32_t units = units_of(bytes);
	uint32_t alignment_units = alignment > UNIT_SIZE ? units_of(alignment) : 1;
	uint32_t unit;

	if (!units || !alignment_units || !charge_take((size_t)units << UNIT_SHIFT))
		return NULL;
	/* What is everyone's is kept as the first home's. */
	if (options.large_policy == LARGE_INTERLEAVE)
		home = 0;
	do {
		unit = large_take_run(units, alignment_units, home, false, bytes, dirty_bytes);
		/* units + alignment - 1 always hold an aligned run */
	} while (unit == UNIT_NONE && units + alignment_units > units &&
		 large_open_more(missing_units(units + alignment_units - 1, home), home));
	if (unit == UNIT_NONE)
		unit = take_anywhere(units, alignment_units, bytes, dirty_bytes);
	if (unit == UNIT_NONE) {
		charge_put((size_t)units << UNIT_SHIFT);
		return NULL;
	}
	if (charge_taken_bytes() >= HELPER_LINK_PLAIN_BYTES)
		helper_link_want();
	idle_note_taken((size_t)units << UNIT_SHIFT);
	return reservation_unit_start(unit);
}

/* With the lock: part of what was live is free from now on. */
static void free_units(uint32_t unit, uint32_t units)
{
	large_run_mark(unit, units, true);
	large_run_insert(unit, units, units);
	large_count_add(-(int32_t)units, 0, 0);
	charge_put((size_t)units << UNIT_SHIFT);
}

/* With the lock. */
static enum large_lookup look_up(const void *address, uint32_t *unit)
{
	uint32_t run;

	*unit = reservation_unit_of(address);
	if (!reservation_large_unit_is_open(*unit))
		return LARGE_NOT_OURS;
	if (large_run_at(*unit)->state == RUN_LIVE && address == reservation_unit_start(*unit))
		return LARGE_BLOCK;
	run = large_run_around(*unit);
	if (run == UNIT_NONE)
		return LARGE_NOT_OURS;
	if (large_run_at(run)->state == RUN_LIVE)
		return LARGE_INSIDE;
	return large_run_at(*unit)->freed && address == reservation_unit_start(*unit) ?
	       LARGE_FREED : LARGE_UNUSED;
}

enum large_lookup large_look_up(const void *address, size_t *bytes)
{
	enum large_lookup found;
	uint32_t unit;

	lock_take(&lock);
	found = look_up(address, &unit);
	if (found == LARGE_BLOCK)
		*bytes = (size_t)large_run_at(unit)->units << UNIT_SHIFT;
	lock_put(&lock);
	return found;
}

static void clear_marks(void *block)
{
	size_t bytes;

	if (unlikely(marked_reaches(block)) && large_look_up(block, &bytes) == LARGE_BLOCK)
		marked_clear(block, bytes);
}

enum large_lookup large_put(void *block)
{
	enum large_lookup found;
	uint32_t unit, units = 0;

	clear_marks(block);
	lock_take(&lock);
	found = look_up(block, &unit);
	if (found == LARGE_BLOCK) {
		units = large_run_at(unit)->units;
		large_run_at(unit)->freed = true;
		large_count_add(0, -1, -(int64_t)large_run_at(unit)->slack);
		free_units(unit, units);
	}
	lock_put(&lock);
	idle_note_put((size_t)units << UNIT_SHIFT);
	return found;
}

/* With the lock: the block takes its first units from the free run behind it. */
static bool large_grow(uint32_t unit, uint32_t have, uint32_t units)
{
	uint32_t next;

	large_run_settle();
	next = large_run_free_at(unit + have);
	if (next == UNIT_NONE || large_run_at(next)->units < units - have ||
	    large_run_home(next) != large_run_home(unit) ||
	    !split_off(next, next, units - have))
		return false;
	large_run_at(next)->state = RUN_NONE;
	large_run_at(unit + have - 1)->state = RUN_NONE;
	large_run_set(unit, units, RUN_LIVE);
	large_count_add((int32_t)(units - have), 0, 0);
	idle_note_taken((size_t)(units - have) << UNIT_SHIFT);
	return true;
}

/* With the lock. */
static bool resize(uint32_t unit, uint32_t units)
{
	uint32_t have = large_run_at(unit)->units;

	if (units > have) {
		if (!charge_take((size_t)(units - have) << UNIT_SHIFT))
			return false;
		if (large_grow(unit, have, units))
			return true;
		charge_put((size_t)(units - have) << UNIT_SHIFT);
		return false;
	}
	if (units < have) {
		large_run_at(unit + have - 1)->state = RUN_NONE;
		large_run_set(unit, units, RUN_LIVE);
		free_units(unit + units, have - units);
	}
	return true;
}

bool large_resize_in_place(void *block, size_t bytes)
{
	uint32_t unit = reservation_unit_of(block), units = units_of(bytes), more;
	bool done, at_frontier;
	unsigned home;

	if (!units)
		return false;
	lock_take(&lock);
	done = resize(unit, units);
	if (done)
		set_slack(unit, bytes);
	at_frontier = !done && large_run_ends_last(unit);
	more = done ? 0 : units - large_run_at(unit)->units;
	home = large_run_home(unit);
	lock_put(&lock);
	if (!at_frontier || !charge_allows((size_t)more << UNIT_SHIFT) ||
	    !large_open_more(more, home))
		return done;
	lock_take(&lock);
	done = resize(unit, units);
	if (done)
		set_slack(unit, bytes);
	lock_put(&lock);
	return done;
}

bool large_receive(struct chunk chunk)
{
	if (reservation_open_large_records(chunk.first_unit + chunk.units))
		return false;
	lock_take(&lock);
	large_run_mark(chunk.first_unit, chunk.units, true);
	large_run_set_home(chunk.first_unit, chunk.units, chunk.home);
	large_count_add_range((int32_t)chunk.units);
	large_run_insert(chunk.first_unit, chunk.units, chunk.units);
	lock_put(&lock);
	return true;
}

/* With the lock. */
static uint32_t dirty_mask(uint32_t unit)
{
	uint32_t i, mask = 0;

	for (i = 0; i < SUPERSLAB_UNITS; i++)
		mask |= (uint32_t)(large_run_at(unit + i)->dirty != 0) << i;
	return mask;
}

bool large_give(unsigned home, struct chunk *chunk, uint32_t *dirty)
{
	unsigned last = home == NODE_EVERYWHERE ? topology.homes - 1 : home;
	uint32_t first = UNIT_NONE;

	home = home == NODE_EVERYWHERE ? 0 : home;
	lock_take(&lock);
	do
		first = find_and_split(SUPERSLAB_UNITS, SUPERSLAB_UNITS, home, true);
	while (first == UNIT_NONE && home++ < last);
	if (first != UNIT_NONE) {
		*dirty = dirty_mask(first);
		large_run_at(first)->state = RUN_NONE;
		large_run_at(first + SUPERSLAB_UNITS - 1)->state = RUN_NONE;
		large_run_clear_home(first, SUPERSLAB_UNITS);
		large_count_add_range(-(int32_t)SUPERSLAB_UNITS);
	}
	lock_put(&lock);
	*chunk = (struct chunk){ first, SUPERSLAB_UNITS, home };
	return first != UNIT_NONE;
}

size_t large_live_bytes(size_t *blocks)
{
	struct large_counts counts = large_count_read();

	*blocks = counts.live_blocks;
	return counts.live_bytes;
}
