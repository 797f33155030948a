/* SPDX-License-Identifier: MIT */
/*
 * frontier.c - see frontier.h.
 *
 * What threads have in the kernel just now stands in a table with a place for as many as could
 * be there at once with any gain; the next one waits until one returns. What was opened needs no
 * place in it. What the kernel refused while others went past it is a hole, filled first.
 */
#include <config.h>

#include "back/frontier.h"

#include <stdatomic.h>
#include <stddef.h>

#include "os/lock.h"
#include "os/thread.h"
#include "support/options.h"

/* of what there is: what others find less of, the program, a core dump */
#define STEP_SHARE		16
#define STEP_LEAST		(2 * MiB)
#define STEP_MOST		GiB
#define BINS_SHARE		64	/* of limit_hard: a far alignment must not use it up */
#define OPENINGS_MAX		64
#define HOLES_MAX		(4 * OPENINGS_MAX)
#define YIELDS_FOR_ANOTHER	100
#define NAP_FOR_PLACE_NS	100000ull

struct opening {
	struct chunk chunk;	/* no units: the place is free */
	enum chunk_kind kind;
	uintptr_t opener;	/* its thread_identity() */
};

struct hole {
	uint32_t first_unit, units;	/* no units: the place is free */
};

/* All by the frontier's lock. */
static struct lock lock;
static struct opening openings[OPENINGS_MAX] SPARSE;
static struct hole holes[HOLES_MAX] SPARSE;
static uint32_t all_units;
/* first unit never claimed; relaxed: read without the lock too */
static _Atomic uint32_t end_unit;

void frontier_begin(uint32_t units)
{
	all_units = units;
}

struct lock *frontier_fork_lock(void)
{
	return &lock;
}

void frontier_lock(void)
{
	lock_take(&lock);
}

void frontier_unlock(void)
{
	lock_put(&lock);
}

uint32_t frontier_unit(void)
{
	return atomic_load_explicit(&end_unit, memory_order_relaxed);
}

static void set_frontier(uint32_t unit)
{
	atomic_store_explicit(&end_unit, unit, memory_order_relaxed);
}

/* Within what is left; fewer than units: no room. */
static uint32_t chunk_units(uint32_t units)
{
	uint32_t left = all_units - frontier_unit(), step = frontier_unit() / STEP_SHARE;

	step -= step % (STEP_LEAST >> UNIT_SHIFT);
	if (step < STEP_LEAST >> UNIT_SHIFT)
		step = STEP_LEAST >> UNIT_SHIFT;
	if (step > STEP_MOST >> UNIT_SHIFT)
		step = STEP_MOST >> UNIT_SHIFT;
	if (step < units)
		step = units;
	return step < left ? step : left;
}

/* With the lock. NULL: as many as there are places are in the kernel. */
static struct opening *free_place(void)
{
	unsigned i;

	for (i = 0; i < OPENINGS_MAX; i++)
		if (!openings[i].chunk.units)
			return &openings[i];
	return NULL;
}

/* With the lock: is a chunk that would do for the caller being opened? */
static bool another_is_opening(uint32_t units, enum chunk_kind kind, unsigned home)
{
	unsigned i;

	for (i = 0; i < OPENINGS_MAX; i++)
		if (openings[i].chunk.units >= units && openings[i].kind == kind &&
		    openings[i].chunk.home == home)
			return true;
	return false;
}

/* With the lock: the first units of a hole that has so many; false: none has. */
static bool take_from_hole(uint32_t units, bool exact, struct chunk *chunk)
{
	uint32_t wish = exact ? units : chunk_units(units), step = wish > units ? wish : units;
	unsigned i;

	for (i = 0; i < HOLES_MAX; i++) {
		if (holes[i].units < units)
			continue;
		chunk->first_unit = holes[i].first_unit;
		chunk->units = holes[i].units < step ? holes[i].units : step;
		holes[i].first_unit += chunk->units;
		holes[i].units -= chunk->units;
		return true;
	}
	return false;
}

/* With the lock. */
static void take_from_frontier(uint32_t units, bool exact, struct chunk *chunk)
{
	uint32_t step = chunk_units(units);

	if (step < units ||
	    (frontier_unit() + units) * FRONTIER_BIN_BYTES > options.limit_hard_bytes / BINS_SHARE)
		return;
	chunk->first_unit = frontier_unit();
	chunk->units = exact ? units : step;
	set_frontier(chunk->first_unit + chunk->units);
}

static bool another_opens(uint32_t units, enum chunk_kind kind, unsigned home)
{
	bool found;

	lock_take(&lock);
	found = another_is_opening(units, kind, home);
	lock_put(&lock);
	return found;
}

bool frontier_wait_for_another(uint32_t units, enum chunk_kind kind, unsigned home)
{
	unsigned round;

	if (!another_opens(units, kind, home))
		return false;
	for (round = 0; round < YIELDS_FOR_ANOTHER; round++) {
		thread_yield();
		if (!another_opens(units, kind, home))
			return true;
	}
	return false;
}

/* A nap, since those who have the places may be of a lower priority than the caller. */
static struct opening *lock_with_place(void)
{
	struct opening *place;

	lock_take(&lock);
	for (place = free_place(); !place; place = free_place()) {
		lock_put(&lock);
		thread_nap(NAP_FOR_PLACE_NS);
		lock_take(&lock);
	}
	return place;
}

void frontier_claim(uint32_t units, enum chunk_kind kind, unsigned home, bool exact,
		    struct chunk *chunk)
{
	struct opening *place = lock_with_place();

	*chunk = (struct chunk){ .home = home };
	exact |= another_is_opening(units, kind, home);
	if (!take_from_hole(units, exact, chunk))
		take_from_frontier(units, exact, chunk);
	*place = (struct opening){ *chunk, kind, thread_identity() };
	lock_put(&lock);
}

/* With the lock: the hole that ends where the heap does, or NULL. */
static struct hole *last_hole(void)
{
	unsigned i;

	for (i = 0; i < HOLES_MAX; i++)
		if (holes[i].units && holes[i].first_unit + holes[i].units == frontier_unit())
			return &holes[i];
	return NULL;
}

/* With the lock. Where no place is left, address space is lost, and nothing else. */
static void note_hole(uint32_t first_unit, uint32_t units)
{
	unsigned i, place = 0;

	for (i = 0; i < HOLES_MAX; i++)
		if (holes[i].units < holes[place].units)
			place = i;
	if (holes[place].units < units)
		holes[place] = (struct hole){ first_unit, units };
}

/*
 * With the lock: neighbours become one, so that many small holes are not in the way of a large one.
 */
static void merge_holes(uint32_t *first_unit, uint32_t *units)
{
	unsigned i;

	for (i = 0; i < HOLES_MAX; i++) {
		struct hole *hole = &holes[i];

		if (!hole->units || (hole->first_unit + hole->units != *first_unit &&
				     *first_unit + *units != hole->first_unit))
			continue;
		*first_unit = hole->first_unit < *first_unit ? hole->first_unit : *first_unit;
		*units += hole->units;
		hole->units = 0;
	}
}

/* With the lock: the units are as if they had never been claimed. */
static void give_up(const struct chunk *chunk)
{
	uint32_t first_unit = chunk->first_unit, units = chunk->units;
	struct hole *hole;

	merge_holes(&first_unit, &units);
	if (first_unit + units != frontier_unit()) {
		note_hole(first_unit, units);
		return;
	}
	set_frontier(first_unit);
	for (hole = last_hole(); hole; hole = last_hole()) {
		set_frontier(hole->first_unit);
		hole->units = 0;
	}
}

void frontier_settle(const struct chunk *chunk, bool opened)
{
	unsigned i;

	for (i = 0; i < OPENINGS_MAX; i++)
		if (openings[i].chunk.units && openings[i].chunk.first_unit == chunk->first_unit)
			openings[i].chunk.units = 0;
	if (!opened)
		give_up(chunk);
}

void frontier_after_fork_in_child(void (*close)(const struct chunk *chunk))
{
	unsigned i;

	for (i = 0; i < OPENINGS_MAX; i++) {
		struct chunk chunk = openings[i].chunk;

		/* A signal handler forked: the interrupted code goes on. */
		if (openings[i].opener == thread_identity())
			continue;
		openings[i].chunk.units = 0;
		if (!chunk.units)
			continue;
		close(&chunk);
		give_up(&chunk);
	}
}
