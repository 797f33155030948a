/* SPDX-License-Identifier: MIT */
/*
 * superslab.c - see superslab.h.
 *
 * Superslabs stand in lists by how many units they have free. Taking looks at the fullest
 * first, so that the others become empty and can go back whole.
 */
#include <config.h>

#include "back/superslab.h"

#include "back/helper_link.h"
#include "back/release.h"
#include "back/stock.h"
#include "os/lock.h"

#define ALL_UNITS	UINT32_MAX
#define PLAIN_BYTES	(32 * MiB)	/* taken: a process within it starts no thread */
#define LOOKS_PER_LIST	8	/* a long list of superslabs without a fitting run is not walked */


/* All by superslab lock. */
static struct lock lock;
static uint32_t lists[SUPERSLAB_UNITS + 1];	/* by free units: index + 1 of the first */
static uint64_t lists_in_use;			/* a bit a list */
static uint32_t count;				/* one past the highest carved; read racily */

void superslab_lock(void)
{
	lock_take(&lock);
}

void superslab_unlock(void)
{
	lock_put(&lock);
}

uint32_t superslab_count(void)
{
	return __atomic_load_n(&count, __ATOMIC_ACQUIRE);
}

static void list_insert(uint32_t index)
{
	struct superslab *superslab = superslab_at(index);
	unsigned free = (unsigned)__builtin_popcount(superslab->free_units);

	superslab->previous = 0;
	superslab->next = lists[free];
	if (superslab->next)
		superslab_at(superslab->next - 1)->previous = index + 1;
	lists[free] = index + 1;
	lists_in_use |= (uint64_t)1 << free;
}

static void list_remove(uint32_t index)
{
	struct superslab *superslab = superslab_at(index);
	unsigned free = (unsigned)__builtin_popcount(superslab->free_units);

	if (superslab->next)
		superslab_at(superslab->next - 1)->previous = superslab->previous;
	if (superslab->previous)
		superslab_at(superslab->previous - 1)->next = superslab->next;
	else
		lists[free] = superslab->next;
	if (!lists[free])
		lists_in_use &= ~((uint64_t)1 << free);
}

static uint32_t run_mask(unsigned first, unsigned units)
{
	return (ALL_UNITS >> (SUPERSLAB_UNITS - units)) << first;
}

/*
 * The highest fitting run, or SUPERSLAB_UNITS: low units are the most aligned, and are left to
 * those who ask for that.
 */
static unsigned find_run(uint32_t free_units, unsigned units, unsigned alignment)
{
	static const uint32_t aligned_starts[] = { 0xffffffff, 0x55555555, 0x11111111,
						   0x01010101, 0x00010001, 0x00000001 };
	uint32_t starts = free_units;
	unsigned length;

	/* starts: bits where a run of length begins; the length doubles until it is units */
	for (length = 1; length < units;) {
		unsigned step = length < units - length ? length : units - length;

		starts &= starts >> step;
		length += step;
	}
	starts &= aligned_starts[__builtin_ctz(alignment)];
	return starts ? 31 - (unsigned)__builtin_clz(starts) : SUPERSLAB_UNITS;
}

/* With the lock: takes the run out of a superslab that stands in a list. */
static uint32_t take_run(uint32_t index, unsigned first, unsigned units, bool *zeroed)
{
	struct superslab *superslab = superslab_at(index);
	uint32_t mask = run_mask(first, units);

	list_remove(index);
	*zeroed = !(superslab->dirty_units & mask);
	superslab->free_units &= ~mask;
	superslab->dirty_units |= mask;
	list_insert(index);
	return index * SUPERSLAB_UNITS + first;
}

/* With the lock. */
static uint32_t take_from_lists(unsigned units, unsigned alignment, bool *zeroed)
{
	uint64_t candidates = lists_in_use >> units << units;

	for (; candidates; candidates &= candidates - 1) {
		uint32_t link = lists[__builtin_ctzll(candidates)];
		unsigned looks;

		for (looks = 0; link && looks < LOOKS_PER_LIST; looks++) {
			unsigned first = find_run(superslab_at(link - 1)->free_units, units,
						  alignment);

			if (first < SUPERSLAB_UNITS)
				return take_run(link - 1, first, units, zeroed);
			link = superslab_at(link - 1)->next;
		}
	}
	return UNIT_NONE;
}

/* With the lock: a superslab without a slab enters the lists. */
static void enter(uint32_t index, uint32_t dirty_units)
{
	struct superslab *superslab = superslab_at(index);

	superslab->free_units = ALL_UNITS;
	superslab->dirty_units = dirty_units;
	list_insert(index);
	if (index >= count)
		__atomic_store_n(&count, index + 1, __ATOMIC_RELEASE);
}

/* With the lock: one more superslab, populated ahead if the helper has any; plain otherwise. */
static bool carve(void)
{
	uint32_t index = stock_pop(STOCK_READY);
	bool missed = index == STOCK_NONE;

	if (missed && !stock_take_fresh(1, &index))
		index = stock_pop(STOCK_SPARE);
	if (index == STOCK_NONE)
		return false;
	stock_note_taken(missed);
	enter(index, 0);
	if (reservation_taken_bytes() >= PLAIN_BYTES)
		helper_link_want();
	return true;
}

static bool open_more(void)
{
	struct chunk chunk;
	uint32_t first, index, end;

	if (reservation_open(SUPERSLAB_UNITS, CHUNK_SLABS, &chunk))
		return false;
	if (chunk.units == 0)
		return true;
	first = chunk.first_unit / SUPERSLAB_UNITS;
	lock_take(&lock);
	stock_set_fresh(first, first + chunk.units / SUPERSLAB_UNITS, &index, &end);
	/* Another thread's chunk may still have been there. */
	for (; index < end; index++)
		enter(index, 0);
	lock_put(&lock);
	helper_link_wake();
	return true;
}

uint32_t superslab_take_slab(unsigned units, unsigned alignment, bool *zeroed)
{
	uint32_t unit;

	if (!reservation_charge(units * UNIT_SIZE))
		return UNIT_NONE;
	do {
		lock_take(&lock);
		unit = take_from_lists(units, alignment, zeroed);
		if (unit == UNIT_NONE && carve())
			unit = take_from_lists(units, alignment, zeroed);
		lock_put(&lock);
	} while (unit == UNIT_NONE && open_more());
	if (unit == UNIT_NONE)
		reservation_uncharge(units * UNIT_SIZE);
	return unit;
}

/* With the lock. */
static void put_units(uint32_t index, uint32_t mask)
{
	list_remove(index);
	superslab_at(index)->free_units |= mask;
	list_insert(index);
}

/* With the lock: where count wholly free superslabs lie side by side; UINT32_MAX: nowhere. */
static uint32_t find_free(uint32_t superslabs)
{
	uint32_t index, run = 0;

	for (index = 0; index < count; index++) {
		run = superslab_at(index)->free_units == ALL_UNITS ? run + 1 : 0;
		if (run == superslabs)
			return index + 1 - superslabs;
	}
	return UINT32_MAX;
}

bool superslab_give(uint32_t superslabs, struct chunk *chunk)
{
	uint32_t first, index;

	lock_take(&lock);
	while (carve())
		;
	first = find_free(superslabs);
	for (index = first; first != UINT32_MAX && index < first + superslabs; index++) {
		list_remove(index);
		superslab_at(index)->free_units = 0;
		superslab_at(index)->dirty_units = 0;
	}
	lock_put(&lock);
	*chunk = (struct chunk){ first * SUPERSLAB_UNITS, superslabs * SUPERSLAB_UNITS };
	return first != UINT32_MAX;
}

void superslab_receive(struct chunk chunk)
{
	uint32_t index = chunk.first_unit / SUPERSLAB_UNITS;
	uint32_t end = index + chunk.units / SUPERSLAB_UNITS;

	lock_take(&lock);
	for (; index < end; index++)
		enter(index, ALL_UNITS);
	lock_put(&lock);
}

void superslab_put_slab(uint32_t unit, unsigned units)
{
	lock_take(&lock);
	put_units(unit / SUPERSLAB_UNITS, run_mask(unit % SUPERSLAB_UNITS, units));
	lock_put(&lock);
	reservation_uncharge(units * UNIT_SIZE);
}

/* Releases a mask run by run; returns the mask of what went. */
static uint32_t release_units(uint32_t index, uint32_t mask)
{
	uint32_t released = 0;

	while (mask) {
		unsigned first = (unsigned)__builtin_ctz(mask);
		uint32_t rest = ~(mask >> first);
		unsigned units = rest ? (unsigned)__builtin_ctz(rest) : SUPERSLAB_UNITS;
		uint32_t run = run_mask(first, units);

		if (release_range(reservation_unit_start(index * SUPERSLAB_UNITS + first),
				  units * UNIT_SIZE))
			released |= run;
		mask &= ~run;
	}
	return released;
}

/* With the lock: the helper arms it, and populates it again when it is wanted. */
static void retire(uint32_t index)
{
	if (!helper_link_is_running() || stock_length(STOCK_RETIRED) == STOCK_SLOTS)
		return;
	list_remove(index);
	superslab_at(index)->free_units = 0;
	if (!stock_push(STOCK_RETIRED, index))
		enter(index, 0);
}

static size_t trim_superslab(uint32_t index)
{
	struct superslab *superslab = superslab_at(index);
	uint32_t idle, released;

	/* Taken out while the kernel works on them, so that nobody else can. */
	lock_take(&lock);
	idle = superslab->free_units & superslab->dirty_units;
	if (idle) {
		list_remove(index);
		superslab->free_units &= ~idle;
		list_insert(index);
	}
	lock_put(&lock);
	if (!idle)
		return 0;
	released = release_units(index, idle);
	lock_take(&lock);
	superslab->dirty_units &= ~released;
	put_units(index, idle);
	if (superslab->free_units == ALL_UNITS && !superslab->dirty_units)
		retire(index);
	lock_put(&lock);
	return (size_t)__builtin_popcount(released) * UNIT_SIZE;
}

size_t superslab_trim(void)
{
	uint32_t index, end = superslab_count();
	size_t bytes = 0;

	for (index = 0; index < end; index++)	/* of the large range: nothing is free there */
		bytes += trim_superslab(index);
	return bytes;
}
