/* SPDX-License-Identifier: MIT */
/*
 * release_large.c - see release_large.h.
 */
#include <config.h>

#include "upkeep/release_large.h"

#include "back/index_stack.h"
#include "back/large_run.h"

/*
 * The helper's alone. Lists: links to the first, chained by idle_link; where a run began
 * that has since been merged or taken, another may have begun, or none.
 */
static struct {
	uint32_t watched, due;
	bool claimed;		/* a run: the fields below are its */
	uint32_t unit, end;
	uint32_t next;		/* unit from which on pieces are looked for */
	uint32_t pending;	/* pieces on their way */
	bool refused;		/* one of them: the run ages anew */
} large;

/* relaxed: of units, for the ledger. queued: of runs that are due, clean ones among them. */
static _Atomic uint32_t queued, flying;

static void release_large_keep(uint32_t *list, uint32_t unit)
{
	index_stack_keep(list, unit, &large_run_at(unit)->idle_link);
}

/* The list is not empty. */
static uint32_t release_large_pop(uint32_t *list)
{
	uint32_t unit = index_from_link(*list);

	index_stack_drop_first(list, &large_run_at(unit)->idle_link);
	return unit;
}

static void release_large_look_at(const struct release_policy *policy, uint32_t unit)
{
	struct large_unit *run = large_run_at(unit);
	uint8_t age = run->age, older = age;
	bool due;

	if (run->state != RUN_FREE) {
		large_run_leave_idle(unit);
		return;
	}
	due = release_policy_age_one(policy, &older);
	/* Freed anew meanwhile: it stays as young as it was made. */
	if (!atomic_compare_exchange_strong(&run->age, &age, older))
		due = false;
	release_large_keep(due ? &large.due : &large.watched, unit);
	if (due)
		atomic_fetch_add_explicit(&queued, run->units, memory_order_relaxed);
}

void release_large_look(const struct release_policy *policy)
{
	uint32_t lists[] = { large.watched, large.due, large_run_take_idle() };
	unsigned i;

	large.watched = large.due = 0;
	atomic_store_explicit(&queued, large.claimed ? large.end - large.unit : 0,
			      memory_order_relaxed);
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		while (lists[i])
			release_large_look_at(policy, release_large_pop(&lists[i]));
}

bool release_large_is_due(void)
{
	return large.claimed ? large.next < large.end : large.due != 0;
}

bool release_large_is_watching(void)
{
	return large.watched || large.due || large.claimed;
}

/* A run may have become longer or shorter since it was found due. */
static void unqueue(uint32_t units)
{
	uint32_t now = atomic_load_explicit(&queued, memory_order_relaxed);

	atomic_store_explicit(&queued, now > units ? now - units : 0, memory_order_relaxed);
}

static bool claim_one(void)
{
	while (!large.claimed && large.due) {
		uint32_t unit = release_large_pop(&large.due);

		large.claimed = large_run_claim(unit);
		large.unit = large.next = unit;
		large.end = unit + large_run_at(unit)->units;
		large.pending = 0;
		large.refused = false;
		if (large.claimed)
			continue;
		unqueue(large.end - unit);
		large_run_leave_idle(unit);
	}
	return large.claimed;
}

static void put_if_done(void)
{
	if (large.next < large.end || large.pending)
		return;
	large.claimed = false;
	unqueue(large.end - large.unit);
	if (large.refused)
		large_run_at(large.unit)->age = 0;
	large_run_put_claimed(large.unit);
	large_run_leave_idle(large.unit);
}

bool release_large_next(size_t bytes_most, struct release_span *piece)
{
	uint32_t first, units = 0;

	if (!claim_one())
		return false;
	for (first = large.next; first < large.end && !large_run_at(first)->dirty; first++)
		;
	while (first + units < large.end && units < bytes_most >> UNIT_SHIFT &&
	       large_run_at(first + units)->dirty)
		units++;
	large.next = first + units;
	large.pending += units > 0;
	atomic_fetch_add_explicit(&flying, units, memory_order_relaxed);
	*piece = (struct release_span){ reservation_unit_start(first), units * UNIT_SIZE };
	put_if_done();
	return units > 0;
}

void release_large_done(struct release_span piece, bool released)
{
	atomic_fetch_sub_explicit(&flying, (uint32_t)(piece.bytes >> UNIT_SHIFT),
				  memory_order_relaxed);
	if (released)
		large_run_mark(reservation_unit_of(piece.start),
			       (uint32_t)(piece.bytes >> UNIT_SHIFT), false);
	large.refused |= !released;
	large.pending--;
	put_if_done();
}

void release_large_read(size_t *queued_bytes, size_t *flying_bytes)
{
	*queued_bytes = (size_t)atomic_load_explicit(&queued, memory_order_relaxed) << UNIT_SHIFT;
	*flying_bytes = (size_t)atomic_load_explicit(&flying, memory_order_relaxed) << UNIT_SHIFT;
}

void release_large_forget(void)
{
	atomic_store_explicit(&queued, 0, memory_order_relaxed);
	atomic_store_explicit(&flying, 0, memory_order_relaxed);
	large.watched = large.due = 0;
	large.claimed = false;
}
