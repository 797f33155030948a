/* SPDX-License-Identifier: MIT */
/*
 * large_run.h - the free runs of the large range: lists by size, boundary tags, merging.
 *
 * A run is [unit, unit + units); its first and last records hold its length and state, as
 * Knuth's boundary tags do (TAOCP 1, 2.5C). Each unit's record says whether the unit may hold
 * anything but zeroes. Who may run with whom:
 *
 *   large_run_claim, _put_claimed, _take_idle, _leave_idle    the helper: no lock
 *   everything else                                           large.c, under the large lock
 *
 * A free run is claimed by changing its state with one compare-and-swap, under the lock, too:
 * whoever did it has the run and the records in it, until it is free again. The helper leaves
 * its place in the lists alone; it is put right by the next who has the lock.
 */
#ifndef HAKMEM_BACK_LARGE_RUN_H
#define HAKMEM_BACK_LARGE_RUN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "back/reservation.h"
#include "os/topology.h"

/*
 * Of the first record of a run; RUN_AWAY: being released. RUN_LAST: of the last, if there are two.
 */
enum run_state { RUN_NONE, RUN_LAST, RUN_FREE, RUN_LIVE, RUN_AWAY };

struct large_unit {
	uint32_t units;		/* in the first and the last record of a run */
	uint32_t dirty_units;	/* free run, first record: how many are dirty */
	union {
		uint32_t next;		/* free run, first record: a link in its list */
		uint32_t gap_units;	/* live run, first record: see large_gap.h */
	};
	union {
		uint32_t previous;	/* the same */
		uint32_t owner;		/* live run, first record: see large_owner.h */
	};
	_Atomic uint8_t state;	/* enum run_state; seq_cst: with it a free run changes hands */
	uint8_t dirty;		/* in every record: the unit may hold something */
	uint8_t freed : 1;	/* in every record: a block that started here was freed */
	uint8_t seam : 1;	/* in every record: a mapping may begin here, made by a move */
	/* live run, first record: in a profile, see sampled.h; its owner's */
	uint8_t sampled : 1;
	_Atomic uint8_t age;	/* free run: looks of the helper that it was idle at */
	uint32_t slack;		/* live run, first record: bytes behind what was asked for */
	_Atomic uint32_t idle_link;	/* see index_stack.h: the helper should look at it */
	_Atomic uint32_t moved_link;	/* the same: its place in the lists is not true */
};

_Static_assert(sizeof(struct large_unit) == LARGE_RECORD_BYTES, "reservation.c opens so many");

static inline struct large_unit *large_run_at(size_t unit)
{
	return (struct large_unit *)reservation.large_units + unit;
}

/* Writes the tags of a run that is in no list. */
void large_run_set(uint32_t unit, uint32_t units, enum run_state state);

/* The free run that begins at the unit; UNIT_NONE: none does. */
uint32_t large_run_free_at(uint32_t unit);

/* The run that holds the unit; UNIT_NONE: it is not of the large range. */
uint32_t large_run_around(uint32_t unit);
/* True: what is opened next lies behind the live run, or behind the free one that follows it. */
bool large_run_ends_last(uint32_t unit);

/* How long the free run of the home is that ends where the heap does; 0: there is none. */
uint32_t large_run_last_free_units(unsigned home);

/*
 * Superslabs that were just opened for a home (or NODE_EVERYWHERE), or come from elsewhere; a
 * run is of one home. The inverse: they leave the range.
 */
void large_run_set_home(uint32_t unit, uint32_t units, unsigned home);
void large_run_clear_home(uint32_t unit, uint32_t units);
/* Whose lists a unit of the range is in: what is everyone's is in the first home's. */
unsigned large_run_home(uint32_t unit);
/* Takes no lock. False: the superslab is not of the range, or its pages are no one home's. */
bool large_run_read_home(uint32_t superslab, unsigned *home);

/*
 * Makes units free, whatever run they were, so many of them dirty: merges them with free
 * neighbours of their home, enters the lists. Returns the first unit of the run that they are in
 * now.
 */
uint32_t large_run_insert(uint32_t unit, uint32_t units, uint32_t dirty);

/* Takes a free run out of its list; its tags stay. False: it is the helper's just now. */
bool large_run_remove(uint32_t unit);

/* Puts the places of runs right that were the helper's. After each taking of the lock. */
void large_run_settle(void);

/* In a fork's child, with the lock: what the helper had is free. */
void large_run_after_fork_in_child(void);

/*
 * Units where dirty runs became free since the last call: unit + 1 of the first, chained by
 * idle_link, which is the caller's until it leaves the unit.
 */
uint32_t large_run_take_idle(void);
void large_run_leave_idle(uint32_t unit);

/* One run at a time. False: no free run begins at the unit any more. */
bool large_run_claim(uint32_t unit);
void large_run_put_claimed(uint32_t unit);

/*
 * Finds a free run of the home that holds units from an aligned unit on (alignment in units, a
 * power of two; counted from address 0, so that it holds for addresses). *first: where they start.
 * Dirty runs come before clean ones: they cost no new memory. thorough: long lists are walked to
 * their ends. UNIT_NONE: none.
 */
uint32_t large_run_find(uint32_t units, uint32_t alignment, unsigned home, bool thorough,
			uint32_t *first);

/* The first free run from a unit on that is partly dirty; UNIT_NONE: none. */
uint32_t large_run_find_dirty(uint32_t from);

void large_run_mark(uint32_t unit, uint32_t units, bool dirty);

/* Dirty units in free runs. relaxed: written under the large lock, read by anyone. */
uint32_t large_run_dirty_units(void);
extern _Atomic uint32_t large_run_dirty HIDDEN;	/* the same, for hak_outline alone */

/* How many units of [unit, unit + units) are dirty. */
uint32_t large_run_count_dirty(uint32_t unit, uint32_t units);

#endif
