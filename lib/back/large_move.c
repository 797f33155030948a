/* SPDX-License-Identifier: MIT */
/*
 * large_move.c - see large_move.h.
 */
#include <config.h>

#include "back/large_move.h"

#include <stdatomic.h>
#include <stdbool.h>

#include "back/large.h"
#include "back/large_count.h"
#include "back/large_run.h"
#include "os/lock.h"
#include "os/vm.h"

/* Each move may split mappings in two places; past this many, blocks are copied. */
#define MOVES_MAX	64

/* A live block without a mapping for its first bytes. */
struct lost {
	void *block;	/* NULL: the place is free */
	size_t bytes;
};

/* By large lock. */
static unsigned moves;
static struct lost lost[MOVES_MAX] SPARSE;	/* as many as there can be */

static _Atomic unsigned lost_count;	/* relaxed: written under the lock, a hint without it */

/*
 * With the lock. Before Linux 6.17 mremap() of a range in several mappings fails, and only
 * after it has unmapped the target.
 */
static bool has_seam(uint32_t unit, uint32_t units)
{
	uint32_t i;

	for (i = 1; i < units; i++)
		if (large_run_at(unit + i)->seam)
			return true;
	return false;
}

static bool take_move(uint32_t unit, uint32_t units)
{
	bool allowed;

	large_lock();
	allowed = moves < MOVES_MAX && !has_seam(unit, units);
	moves += allowed;
	large_unlock();
	return allowed;
}

static void note_seams(uint32_t unit, uint32_t units)
{
	large_run_at(unit)->seam = true;
	if (reservation_large_unit_is_open(unit + units))
		large_run_at(unit + units)->seam = true;
}

static void keep_lost(struct lost one)
{
	unsigned i = 0;

	large_lock();
	while (lost[i].block)
		i++;
	lost[i] = one;
	atomic_fetch_add_explicit(&lost_count, 1, memory_order_relaxed);
	large_unlock();
}

static struct lost take_lost(unsigned place)
{
	struct lost one;

	large_lock();
	one = lost[place];
	if (one.block)
		atomic_fetch_sub_explicit(&lost_count, 1, memory_order_relaxed);
	lost[place].block = NULL;
	large_unlock();
	return one;
}

static void map_and_put(struct lost one)
{
	if (vm_map_again(one.block, one.bytes) == 0)
		large_put(one.block);
	else
		keep_lost(one);
}

void large_move_mend(void)
{
	struct lost one;
	unsigned i;

	for (i = 0; i < MOVES_MAX; i++) {
		if (likely(!atomic_load_explicit(&lost_count, memory_order_relaxed)))
			return;
		one = take_lost(i);
		if (one.block)
			map_and_put(one);
	}
}

void *large_move(void *block, size_t bytes)
{
	uint32_t unit = reservation_unit_of(block), units, target;
	size_t dirty_bytes, old_bytes;
	void *moved;

	/* The owner of a block is in realloc(): nobody else changes its record. */
	if (large_look_up(block, &old_bytes) != LARGE_BLOCK || old_bytes > bytes)
		return NULL;
	units = (uint32_t)(old_bytes >> UNIT_SHIFT);
	/* Pages that move stay on their node: a thread that is elsewhere now copies. */
	if (topology_has_homes() && large_run_home(unit) != node_home())
		return NULL;
	if (!take_move(unit, units))
		return NULL;
	moved = large_take(bytes, UNIT_SIZE, &dirty_bytes);
	if (!moved)
		return NULL;
	target = reservation_unit_of(moved);
	if (vm_move(block, moved, old_bytes)) {
		/* Older kernels have unmapped the target by now. */
		map_and_put((struct lost){ moved, old_bytes });
		return NULL;
	}
	large_lock();
	note_seams(target, units);
	large_unlock();
	large_put(block);
	return moved;
}

