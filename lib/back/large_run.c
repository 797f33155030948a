/* SPDX-License-Identifier: MIT */
/*
 * large_run.c - see large_run.h.
 *
 * For each home two sets of lists, for runs that are mostly dirty and mostly clean; in each, 4
 * lists a doubling of the length. In the list of the wanted length the best of the first few is
 * taken, in longer ones the first.
 */
#include <config.h>

#include "back/large_run.h"

#include "back/index_list.h"
#include "back/index_stack.h"
#include "os/node.h"
#include "support/invariant.h"

#define LISTS		(4 * 32)
#define LOOKS_PER_LIST	32
#define HOME_IS_ALL	UINT8_MAX

/* [home][dirty]; links to the first run; by large lock */
static uint32_t lists[TOPOLOGY_HOMES_MAX][2][LISTS] SPARSE;
_Atomic uint32_t large_run_dirty;	/* units */
static struct index_stack idle;		/* for the helper */
static struct index_stack moved;	/* for large_run_settle */
/* a link to the helper's run; relaxed: for a fork's child */
static _Atomic uint32_t claimed;
static uint32_t lowest_unit = UNIT_NONE, end_unit;	/* where runs are; by large lock */

static unsigned large_run_list_of(uint32_t units)
{
	unsigned log2 = 31 - (unsigned)__builtin_clz(units);

	return log2 < 2 ? units : log2 * 4 + ((units >> (log2 - 2)) & 3);
}

static bool mostly_dirty(const struct large_unit *run)
{
	return run->dirty_units * 2 >= run->units;
}

void large_run_set(uint32_t unit, uint32_t units, enum run_state state)
{
	struct large_unit *first = large_run_at(unit), *last = large_run_at(unit + units - 1);

	last->units = units;
	last->state = RUN_LAST;
	first->units = units;
	first->state = (uint8_t)state;
}

/* Tags of runs that were merged must not be taken for the new one's. */
static void clear_tags(uint32_t unit)
{
	uint32_t units = large_run_at(unit)->units;

	large_run_at(unit)->state = RUN_NONE;
	large_run_at(unit + units - 1)->state = RUN_NONE;
}

void large_run_mark(uint32_t unit, uint32_t units, bool dirty)
{
	uint32_t i;

	/* Not written where it is so already: records of what was never used have no pages. */
	for (i = 0; i < units; i++)
		if (large_run_at(unit + i)->dirty != dirty)
			large_run_at(unit + i)->dirty = dirty;
}

uint32_t large_run_count_dirty(uint32_t unit, uint32_t units)
{
	uint32_t i, dirty = 0;

	for (i = 0; i < units; i++)
		dirty += large_run_at(unit + i)->dirty;
	return dirty;
}

static ALWAYS_INLINE struct index_link large_run_link_of(uint32_t unit)
{
	struct large_unit *run = large_run_at(unit);

	return (struct index_link){ &run->next, &run->previous };
}

/* Of the list that a free run stands in, by what its record says. */
static uint32_t *head_for(uint32_t unit)
{
	const struct large_unit *run = large_run_at(unit);

	return &lists[large_run_home(unit)][mostly_dirty(run)][large_run_list_of(run->units)];
}

static ALWAYS_INLINE struct index_list list_for(uint32_t unit)
{
	return (struct index_list){ .head = head_for(unit), .link_of = large_run_link_of };
}

/* It is in its list, and its last record knows its length. */
static bool large_run_is_whole(uint32_t unit)
{
	const struct large_unit *run = large_run_at(unit);

	return index_list_has(list_for(unit), large_run_link_of(unit)) &&
	       run->dirty_units <= run->units &&
	       large_run_at(unit + run->units - 1)->units == run->units;
}

static void list_insert(uint32_t unit)
{
	index_list_push_head(list_for(unit), unit, large_run_link_of(unit));
	INVARIANT(large_run_is_whole(unit));
}

static void count_dirty(uint32_t amount)
{
	atomic_store_explicit(&large_run_dirty, large_run_dirty_units() + amount,
			      memory_order_relaxed);
}

uint32_t large_run_dirty_units(void)
{
	return atomic_load_explicit(&large_run_dirty, memory_order_relaxed);
}

bool large_run_remove(uint32_t unit)
{
	struct large_unit *run = large_run_at(unit);
	struct index_list list = { .link_of = large_run_link_of };
	uint8_t is_free = RUN_FREE;

	if (!atomic_compare_exchange_strong(&run->state, &is_free, RUN_NONE))
		return false;
	INVARIANT(large_run_is_whole(unit));
	count_dirty(-run->dirty_units);
	/* Only the first leads to the head. */
	list.head = run->previous ? NULL : head_for(unit);
	index_list_remove(list, large_run_link_of(unit));
	return true;
}

uint32_t large_run_free_at(uint32_t unit)
{
	if (!reservation_large_unit_is_open(unit) || large_run_at(unit)->state != RUN_FREE)
		return UNIT_NONE;
	return unit;
}

/* The free run that ends just before the unit; UNIT_NONE: none does. */
static uint32_t free_before(uint32_t unit)
{
	if (unit == 0)
		return UNIT_NONE;
	unit--;
	if (large_run_at(unit)->state == RUN_LAST)
		unit -= large_run_at(unit)->units - 1;
	return large_run_free_at(unit);
}

/*
 * Of a superslab: home + 1, HOME_IS_ALL, or 0: not of the range. Written by large lock; relaxed:
 * readers without it look at pages only.
 */
static _Atomic uint8_t *large_run_home_at(size_t superslab)
{
	return (_Atomic uint8_t *)reservation.large_units - (superslab + 1);
}

static void write_home(uint32_t unit, uint32_t units, uint8_t value)
{
	uint32_t i, first = unit / SUPERSLAB_UNITS;

	/* With one home nobody asks, and the table stays untouched. */
	for (i = 0; topology_has_homes() && i < units / SUPERSLAB_UNITS; i++)
		atomic_store_explicit(large_run_home_at(first + i), value, memory_order_relaxed);
}

void large_run_set_home(uint32_t unit, uint32_t units, unsigned home)
{
	write_home(unit, units, home == NODE_EVERYWHERE ? HOME_IS_ALL : (uint8_t)(home + 1));
}

void large_run_clear_home(uint32_t unit, uint32_t units)
{
	write_home(unit, units, 0);
}

bool large_run_read_home(uint32_t superslab, unsigned *home)
{
	uint8_t value = 0;

	if (reservation_large_unit_is_open((size_t)superslab * SUPERSLAB_UNITS))
		value = atomic_load_explicit(large_run_home_at(superslab), memory_order_relaxed);
	*home = value - 1u;
	return value && value != HOME_IS_ALL;
}

unsigned large_run_home(uint32_t unit)
{
	unsigned home;

	return topology_has_homes() && large_run_read_home(unit / SUPERSLAB_UNITS, &home) ? home :
											    0;
}

uint32_t large_run_insert(uint32_t unit, uint32_t units, uint32_t dirty)
{
	uint32_t neighbours[2] = { free_before(unit), large_run_free_at(unit + units) };
	unsigned i;

	large_run_at(unit)->state = RUN_NONE;
	large_run_at(unit + units - 1)->state = RUN_NONE;
	for (i = 0; i < 2; i++) {
		uint32_t neighbour = neighbours[i];

		if (neighbour == UNIT_NONE ||
		    large_run_home(neighbour) != large_run_home(unit) ||
		    !large_run_remove(neighbour))
			continue;
		clear_tags(neighbour);
		dirty += large_run_at(neighbour)->dirty_units;
		units += large_run_at(neighbour)->units;
		if (neighbour < unit)
			unit = neighbour;
	}
	large_run_at(unit)->dirty_units = dirty;
	large_run_at(unit)->age = 0;
	count_dirty(dirty);
	large_run_set(unit, units, RUN_NONE);
	list_insert(unit);
	/* From here on the helper may claim it. */
	large_run_at(unit)->state = RUN_FREE;
	if (dirty)
		index_stack_push(&idle, unit, &large_run_at(unit)->idle_link);
	if (unit < lowest_unit)
		lowest_unit = unit;
	if (unit + units > end_unit)
		end_unit = unit + units;
	return unit;
}

uint32_t large_run_last_free_units(unsigned home)
{
	uint32_t end = (uint32_t)(reservation_end_bytes() >> UNIT_SHIFT), last;

	if (!end || !reservation_large_unit_is_open(end - 1))
		return 0;
	last = free_before(end);
	return last != UNIT_NONE && large_run_home(last) == home ? large_run_at(last)->units : 0;
}

uint32_t large_run_around(uint32_t unit)
{
	uint32_t first = unit;

	while (first > 0 && large_run_at(first)->state < RUN_FREE)
		first--;
	return large_run_at(first)->state >= RUN_FREE &&
	       first + large_run_at(first)->units > unit ? first : UNIT_NONE;
}

bool large_run_ends_last(uint32_t unit)
{
	uint32_t end = unit + large_run_at(unit)->units;

	if (large_run_free_at(end) != UNIT_NONE)
		end += large_run_at(end)->units;
	return (size_t)end << UNIT_SHIFT == reservation_end_bytes();
}

/* Where units can start in the run, or UNIT_NONE. */
static uint32_t fit(uint32_t unit, uint32_t units, uint32_t alignment)
{
	const struct large_unit *run = large_run_at(unit);
	size_t base = reservation.base >> UNIT_SHIFT;
	size_t first = align_up(base + unit, alignment) - base;

	if (first + units > (size_t)unit + run->units)
		return UNIT_NONE;
	return (uint32_t)first;
}

static uint32_t find_in_list(uint32_t link, uint32_t units, uint32_t alignment, bool thorough,
			     uint32_t *first)
{
	uint32_t best = UNIT_NONE, looks;

	for (looks = 0; link && (looks < LOOKS_PER_LIST || thorough); looks++) {
		struct large_unit *run = large_run_at(index_from_link(link));
		uint32_t start = fit(index_from_link(link), units, alignment);

		if (run->state == RUN_FREE && start != UNIT_NONE &&
		    (best == UNIT_NONE || run->units < large_run_at(best)->units)) {
			best = index_from_link(link);
			*first = start;
		}
		link = run->next;
	}
	return best;
}

uint32_t large_run_find(uint32_t units, uint32_t alignment, unsigned home, bool thorough,
			uint32_t *first)
{
	int dirty;
	unsigned list;

	for (dirty = 1; dirty >= 0; dirty--)
		for (list = large_run_list_of(units); list < LISTS; list++) {
			uint32_t found = find_in_list(lists[home][dirty][list], units, alignment,
						      thorough, first);

			if (found != UNIT_NONE)
				return found;
		}
	return UNIT_NONE;
}

uint32_t large_run_find_dirty(uint32_t from)
{
	uint32_t unit = from > lowest_unit ? from : lowest_unit;

	/* Units of slabs lie between: their records are zero, their state is RUN_NONE. */
	while (unit < end_unit) {
		struct large_unit *run = large_run_at(unit);

		if (run->state == RUN_FREE && run->dirty_units)
			return unit;
		unit += run->state < RUN_FREE ? 1 : run->units;
	}
	return UNIT_NONE;
}

void large_run_settle(void)
{
	uint32_t link = index_stack_take(&moved);

	while (link) {
		uint32_t unit = index_from_link(link), units;

		link = index_stack_leave(&large_run_at(unit)->moved_link);
		if (!large_run_remove(unit))
			continue;
		units = large_run_at(unit)->units;
		large_run_insert(unit, units, large_run_count_dirty(unit, units));
	}
}

uint32_t large_run_take_idle(void)
{
	return index_stack_take(&idle);
}

void large_run_leave_idle(uint32_t unit)
{
	struct large_unit *run = large_run_at(unit);

	index_stack_leave(&run->idle_link);
	/* seq_cst: a run that became free while the link was still set is seen here */
	if (run->state == RUN_FREE && run->age == 0)
		index_stack_push(&idle, unit, &run->idle_link);
}

bool large_run_claim(uint32_t unit)
{
	uint8_t is_free = RUN_FREE;

	atomic_store_explicit(&claimed, index_to_link(unit), memory_order_relaxed);
	if (atomic_compare_exchange_strong(&large_run_at(unit)->state, &is_free, RUN_AWAY))
		return true;
	atomic_store_explicit(&claimed, 0, memory_order_relaxed);
	return false;
}

void large_run_put_claimed(uint32_t unit)
{
	large_run_at(unit)->state = RUN_FREE;
	index_stack_push(&moved, unit, &large_run_at(unit)->moved_link);
	atomic_store_explicit(&claimed, 0, memory_order_relaxed);
}

/* Reading first: a page that is not written to stays shared with the parent. */
static void large_run_mend_after_fork(uint32_t unit)
{
	struct large_unit *run = large_run_at(unit);

	if (run->moved_link)
		index_stack_leave(&run->moved_link);
	if (run->idle_link) {
		index_stack_leave(&run->idle_link);
		index_stack_push(&idle, unit, &run->idle_link);
	}
}

void large_run_after_fork_in_child(void)
{
	uint32_t unit = index_from_link(atomic_load_explicit(&claimed, memory_order_relaxed));
	unsigned i;

	if (unit != UNIT_NONE && large_run_at(unit)->state == RUN_AWAY)
		large_run_at(unit)->state = RUN_FREE;
	atomic_store_explicit(&claimed, 0, memory_order_relaxed);
	idle.head = moved.head = 0;
	for (i = 0; i < topology.homes * 2 * LISTS; i++) {
		uint32_t link = lists[i / (2 * LISTS)][i / LISTS % 2][i % LISTS];

		for (; link; link = large_run_at(index_from_link(link))->next)
			large_run_mend_after_fork(index_from_link(link));
	}
}
