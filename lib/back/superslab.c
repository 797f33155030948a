/* SPDX-License-Identifier: MIT */
/*
 * superslab.c - see superslab.h.
 *
 * Superslabs stand in lists by how many units they have free. Taking looks at the fullest
 * first, so that the others become empty and can go back whole. A list is a hint: units are
 * put, and claimed for releasing, without the lock. Who did that leaves the superslab on a
 * stack, and the next to take with the lock moves it to where it belongs.
 */
#include <config.h>

#include "back/superslab.h"

#include "back/brought.h"
#include "back/charge.h"
#include "back/helper_link.h"
#include "back/idle.h"
#include "back/index_stack.h"
#include "back/marked.h"
#include "back/stock.h"
#include "back/superslab_brought.h"
#include "back/superslab_list.h"
#include "back/superslab_run.h"
#include "os/lock.h"
#include "os/node.h"
#include "os/vm.h"
#include "support/invariant.h"
#include "support/options.h"

#define ALL_UNITS	SUPERSLAB_ALL_UNITS
#define CHILD_PLAIN_UNITS	128	/* the same for a fork's child, of what it takes itself */

/* All by superslab lock. */
static struct lock lock;
uint32_t superslab_end;			/* one past the highest carved; read racily */
static uint64_t units_taken;		/* by this process, ever */

static struct index_stack idle;		/* for the helper */
static _Atomic size_t spilled_bytes;	/* relaxed: a count */

struct lock *superslab_fork_lock(void)
{
	return &lock;
}

size_t superslab_spilled_bytes(void)
{
	return atomic_load_explicit(&spilled_bytes, memory_order_relaxed);
}

uint32_t superslab_count(void)
{
	return __atomic_load_n(&superslab_end, __ATOMIC_ACQUIRE);
}

void superslab_note_idle(uint32_t index)
{
	index_stack_push(&idle, index, &superslab_at(index)->idle_link);
}

/* With the lock: a superslab without a slab enters the lists of its home. */
static void superslab_enter(uint32_t index, unsigned home, uint32_t populated, uint32_t dirty)
{
	struct superslab *superslab = superslab_at(index);

	INVARIANT(lock_is_own(&lock));
	/* Nobody has it: not free for others, and nothing of it is on its way. */
	INVARIANT(!(uint32_t)atomic_load_explicit(&superslab->units, memory_order_relaxed));
	INVARIANT(!(dirty & ~populated));
	atomic_store_explicit(&superslab->populated, populated, memory_order_relaxed);
	atomic_store_explicit(&superslab->dirty, dirty, memory_order_relaxed);
	/* Pages that nobody has written to were brought. */
	atomic_store_explicit(&superslab->brought, populated & ~dirty, memory_order_relaxed);
	atomic_store_explicit(&superslab->touched, populated, memory_order_relaxed);
	/* release: pairs with superslab_claim */
	atomic_store_explicit(&superslab->units, ALL_UNITS, memory_order_release);
	/* One that the helper took away is in a list still. */
	if (superslab->listed)
		superslab_list_remove(index);
	atomic_store_explicit(&superslab->home, (uint16_t)home, memory_order_relaxed);
	superslab_list_insert(index);
	if (index >= superslab_end)
		__atomic_store_n(&superslab_end, index + 1, __ATOMIC_RELEASE);
	if (populated) {
		charge_note_populated(__builtin_popcount(populated));
		superslab_note_idle(index);
	}
}

/* With the lock: a superslab whose pages the helper brought. */
static bool carve_ready(unsigned home)
{
	uint32_t index = stock_pop(home, STOCK_READY);

	if (index == SUPERSLAB_NONE)
		return false;
	stock_note_taken(home, false);
	superslab_enter(index, home, ALL_UNITS, 0);
	return true;
}

/* A plain one, which nobody else sees yet; SUPERSLAB_NONE: there is none. */
static uint32_t pop_plain(unsigned home)
{
	uint32_t index;

	if (!stock_take_fresh(home, 1, &index))
		index = stock_pop(home, STOCK_SPARE);
	if (index == SUPERSLAB_NONE)
		index = stock_pop(home, STOCK_RETIRED);
	if (index != SUPERSLAB_NONE)
		stock_note_taken(home, true);
	return index;
}

/* With the lock. */
static bool carve_plain(unsigned home)
{
	uint32_t index = pop_plain(home);

	if (index == SUPERSLAB_NONE)
		return false;
	superslab_enter(index, home, 0, 0);
	return true;
}

/* With the lock. */
static void want_helper(unsigned units)
{
	units_taken += units;
	idle_note_taken(units * UNIT_SIZE);
	if (units_taken >= CHILD_PLAIN_UNITS &&
	    charge_taken_bytes() >= HELPER_LINK_PLAIN_BYTES)
		helper_link_want();
}

/*
 * With the lock: populated memory first, then what the kernel populates on touch; nothing new.
 * *grows: set where it is out of the stock.
 */
static uint32_t take_unit(struct superslab_wish wish, bool *zeroed, bool *grows)
{
	uint32_t unit;

	superslab_list_again_noted();
	unit = superslab_run_take(wish, SUPERSLAB_LIST_BARE - 1, zeroed);
	*grows = unit == UNIT_NONE && carve_ready(wish.home);
	if (*grows)
		unit = superslab_run_take(wish, SUPERSLAB_LIST_BARE - 1, zeroed);
	if (unit == UNIT_NONE)
		unit = superslab_run_take(wish, SUPERSLAB_LIST_BARE, zeroed);
	if (unit != UNIT_NONE)
		want_helper(wish.units);
	return unit;
}

static bool is_of_huge_page(uint32_t index)
{
	return options.huge_pages == HUGE_PAGES_ALWAYS ||
	       atomic_load_explicit(&superslab_at(index)->huge, memory_order_relaxed);
}

/*
 * One of a huge page is touched before others see it: of threads that fault on one at once, each
 * zeroes a page, and all but one are thrown away. They take others meanwhile. A fork costs the
 * child those that are between here and there. A thread that has moved meanwhile gets it for
 * where it is.
 */
static uint32_t take_plain(struct superslab_wish wish, bool *zeroed)
{
	unsigned home = wish.home;
	uint32_t unit, index = pop_plain(home);
	bool huge;

	if (index == SUPERSLAB_NONE)
		return UNIT_NONE;
	if (index >= FRONTIER_FIRST_BYTES / SUPERSLAB_SIZE)
		wish.home = node_home_of_touch(home);
	huge = is_of_huge_page(index);
	if (huge) {
		vm_touch_huge(reservation_unit_start((size_t)index * SUPERSLAB_UNITS));
		brought_add(SUPERSLAB_SIZE);
	}
	lock_take(&lock);
	superslab_enter(index, wish.home, huge ? ALL_UNITS : 0, 0);
	unit = superslab_run_take(wish, SUPERSLAB_LIST_BARE, zeroed);
	if (unit != UNIT_NONE)
		want_helper(wish.units);
	lock_put(&lock);
	return unit;
}

uint32_t superslab_take_free(struct superslab_wish wish, bool *zeroed, bool *grows)
{
	uint32_t unit;

	lock_take(&lock);
	unit = take_unit(wish, zeroed, grows);
	lock_put(&lock);
	if (unit == UNIT_NONE) {
		*grows = true;
		unit = take_plain(wish, zeroed);
	}
	return unit;
}

uint32_t superslab_take_anywhere(struct superslab_wish wish, bool *zeroed)
{
	uint32_t unit = UNIT_NONE;
	bool grows;

	wish.thorough = true;
	lock_take(&lock);
	for (wish.home = 0; unit == UNIT_NONE && wish.home < topology.homes; wish.home++) {
		unit = take_unit(wish, zeroed, &grows);
		if (unit == UNIT_NONE && carve_plain(wish.home))
			unit = take_unit(wish, zeroed, &grows);
	}
	lock_put(&lock);
	if (unit != UNIT_NONE && topology_has_homes())
		atomic_fetch_add_explicit(&spilled_bytes, wish.units * UNIT_SIZE,
					  memory_order_relaxed);
	return unit;
}

/*
 * With the lock: where so many wholly free superslabs of one home lie side by side; SUPERSLAB_NONE:
 * nowhere.
 */
static uint32_t superslab_find_free(uint32_t superslabs)
{
	uint32_t index, run = 0;

	for (index = 0; index < superslab_end; index++) {
		if (run && superslab_at(index)->home != superslab_at(index - 1)->home)
			run = 0;
		run = superslab_free_units(index) == ALL_UNITS ? run + 1 : 0;
		if (run == superslabs)
			return index + 1 - superslabs;
	}
	return SUPERSLAB_NONE;
}

/* With the lock. False: the helper was faster. */
static bool take_whole(uint32_t index)
{
	struct superslab *superslab = superslab_at(index);
	uint64_t all_free = ALL_UNITS;

	/* acquire: pairs with superslab_put_slab and superslab_claim_put */
	return atomic_compare_exchange_strong_explicit(&superslab->units, &all_free, 0,
						       memory_order_acquire,
						       memory_order_relaxed);
}

/* With the lock: all of them or none. */
static bool take_whole_run(uint32_t first, uint32_t superslabs)
{
	uint32_t index;

	for (index = first; index < first + superslabs; index++)
		if (!take_whole(index))
			break;
	if (index == first + superslabs)
		return true;
	while (index-- > first)
		atomic_store_explicit(&superslab_at(index)->units, ALL_UNITS,
				      memory_order_release);
	return false;
}

/* With the lock. */
static void carve_all(void)
{
	unsigned home;

	for (home = 0; home < topology.homes; home++)
		while (carve_ready(home) || carve_plain(home))
			;
}

bool superslab_give(uint32_t superslabs, struct chunk *chunk)
{
	uint32_t first, index;
	unsigned home = 0;

	lock_take(&lock);
	carve_all();
	do
		first = superslab_find_free(superslabs);
	while (first != SUPERSLAB_NONE && !take_whole_run(first, superslabs));
	for (index = first; first != SUPERSLAB_NONE && index < first + superslabs; index++) {
		superslab_list_remove(index);
		home = superslab_at(index)->home;
		charge_note_populated(-__builtin_popcount(
			atomic_exchange_explicit(&superslab_at(index)->populated, 0,
						 memory_order_relaxed)));
		atomic_store_explicit(&superslab_at(index)->dirty, 0, memory_order_relaxed);
		superslab_brought_drop(index, ALL_UNITS);
	}
	lock_put(&lock);
	*chunk = (struct chunk){ first * SUPERSLAB_UNITS, superslabs * SUPERSLAB_UNITS, home };
	return first != SUPERSLAB_NONE;
}

void superslab_take_stock(void)
{
	unsigned home;

	lock_take(&lock);
	for (home = 0; home < topology.homes; home++)
		while (carve_ready(home))
			;
	lock_put(&lock);
}

void superslab_enter_bare(uint32_t index, unsigned home)
{
	superslab_enter(index, home, 0, 0);
}

void superslab_receive(struct chunk chunk, uint32_t dirty)
{
	uint32_t index = chunk.first_unit / SUPERSLAB_UNITS;
	uint32_t end = index + chunk.units / SUPERSLAB_UNITS;
	/* Memory of the large range may be everyone's. */
	unsigned home = chunk.home < topology.homes ? chunk.home : 0;

	lock_take(&lock);
	for (; index < end; index++)
		superslab_enter(index, home, dirty, dirty);
	lock_put(&lock);
}

void superslab_put_slab(uint32_t unit, unsigned units)
{
	uint32_t index = unit / SUPERSLAB_UNITS;
	uint32_t mask = superslab_run_mask(unit % SUPERSLAB_UNITS, units);
	uint64_t before;
	struct superslab *superslab = superslab_at(index);

	if (unlikely(marked_reaches(reservation_unit_start(unit))))
		marked_clear(reservation_unit_start(unit), units * UNIT_SIZE);
	atomic_fetch_or_explicit(&superslab->touched, mask, memory_order_relaxed);
	/* release: pairs with superslab_run_take_run; seq_cst besides: see index_stack.h */
	before = atomic_fetch_or(&superslab->units, mask);
	/* They were taken: neither free nor away. */
	INVARIANT(!(((uint32_t)before | before >> 32) & mask));
	superslab_list_note(index);
	superslab_note_idle(index);
	charge_put(units * UNIT_SIZE);
	idle_note_put(units * UNIT_SIZE);
}

uint32_t superslab_take_idle(void)
{
	return index_stack_take(&idle);
}

void superslab_leave_idle(uint32_t index)
{
	struct superslab *superslab = superslab_at(index);

	index_stack_leave(&superslab->idle_link);
	/* seq_cst: whoever put units and found the link still set has put them before this */
	if ((uint32_t)atomic_load(&superslab->units) & atomic_load(&superslab->touched))
		superslab_note_idle(index);
}

/* Nobody else runs: whatever another thread of the parent was about to pass on is passed on. */
static void superslab_mend_after_fork(uint32_t index)
{
	struct superslab *superslab = superslab_at(index);
	uint64_t word = atomic_load_explicit(&superslab->units, memory_order_relaxed);

	/* Reading first: a page that is not written to stays shared with the parent. */
	if (word >> 32) {
		atomic_store_explicit(&superslab->units, (uint32_t)(word | word >> 32),
				      memory_order_relaxed);
		superslab_list_again(index);
	}
	if (atomic_load_explicit(&superslab->idle_link, memory_order_relaxed)) {
		index_stack_leave(&superslab->idle_link);
		superslab_note_idle(index);
	}
}

void superslab_after_fork_in_child(void)
{
	uint32_t index;
	size_t units = 0;

	atomic_store_explicit(&idle.head, 0, memory_order_relaxed);
	units_taken = 0;
	idle_after_fork_in_child();
	for (index = 0; index < superslab_end; index++) {
		superslab_mend_after_fork(index);
		units += (size_t)__builtin_popcount(superslab_at(index)->populated);
	}
	/* Another thread may have been between the bits and their count. */
	charge_set_populated(units);
	superslab_list_after_fork_in_child(superslab_end);
}
