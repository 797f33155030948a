/* SPDX-License-Identifier: MIT */
/*
 * superslab_run.c - see superslab_run.h.
 */
#include <config.h>

#include "back/superslab_run.h"

#include <limits.h>
#include <string.h>

#include "back/charge.h"
#include "back/superslab_list.h"
#include "support/compiler.h"

/* A long list of superslabs without a fitting run is not walked to its end, while there is more. */
#define LOOKS_PER_LIST		8
#define ALIGNED_LOOKS_PER_LIST	32
#define ALIKE_LOOKS		16	/* superslabs, of whatever lists */

/*
 * The highest run that begins at one of starts (a bit a unit), or SUPERSLAB_UNITS. One that is just
 * so long goes first: what is longer is kept for those who need it.
 */
static unsigned find_run(uint32_t free_units, unsigned units, uint32_t starts)
{
	uint32_t runs = free_units, exact;
	unsigned length;

	/* runs: where a run of length begins; the length doubles until it is units */
	for (length = 1; length < units;) {
		unsigned step = length < units - length ? length : units - length;

		runs &= runs >> step;
		length += step;
	}
	starts &= runs;
	exact = starts & ~(runs >> 1) & ~(free_units << 1);
	if (exact)
		starts = exact;
	return starts ? 31 - (unsigned)__builtin_clz(starts) : SUPERSLAB_UNITS;
}

static uint32_t with_pages(const struct superslab *superslab)
{
	return atomic_load_explicit(&superslab->populated, memory_order_relaxed);
}

/* Of units (a bit each) one whose kind is nearest, the highest of several; or SUPERSLAB_UNITS. */
static unsigned find_nearest(const struct superslab *superslab, uint32_t units, unsigned kind)
{
	unsigned nearest = SUPERSLAB_UNITS, least = UINT_MAX;

	for (; units; units &= units - 1) {
		unsigned unit = (unsigned)__builtin_ctz(units), of = superslab->kinds[unit];
		unsigned distance = of > kind ? of - kind : kind - of;

		if (distance > least)
			continue;
		least = distance;
		nearest = unit;
	}
	return nearest;
}

/* What has pages already before what has not. */
static unsigned choose_run(const struct superslab *superslab, uint32_t free_units,
			   struct superslab_wish wish, uint32_t starts)
{
	uint32_t populated = free_units & with_pages(superslab);
	unsigned first;

	if (wish.units == 1 && wish.kind)
		first = find_nearest(superslab, populated & starts, wish.kind);
	else
		first = find_run(populated, wish.units, starts);
	return first < SUPERSLAB_UNITS ? first : find_run(free_units, wish.units, starts);
}

static void note_kind(struct superslab *superslab, unsigned first, struct superslab_wish wish)
{
	unsigned unit;

	for (unit = first; unit < first + wish.units; unit++)
		superslab->kinds[unit] = (uint8_t)wish.kind;
}

/* A run out of a superslab that stands in a list, or UNIT_NONE. */
static uint32_t superslab_run_take_run(uint32_t index, struct superslab_wish wish, uint32_t starts,
				       bool *zeroed)
{
	struct superslab *superslab = superslab_at(index);
	uint64_t word = atomic_load_explicit(&superslab->units, memory_order_relaxed);
	uint32_t mask, had_pages;
	unsigned first;

	do {
		first = choose_run(superslab, (uint32_t)word, wish, starts);
		if (first == SUPERSLAB_UNITS)
			return UNIT_NONE;
		mask = superslab_run_mask(first, wish.units);
		/* acquire: pairs with superslab_put_slab and superslab_claim_put */
	} while (!atomic_compare_exchange_weak_explicit(&superslab->units, &word,
							word & ~(uint64_t)mask,
							memory_order_acquire,
							memory_order_relaxed));
	had_pages = atomic_fetch_or_explicit(&superslab->populated, mask, memory_order_relaxed);
	if (mask & ~had_pages)
		charge_note_populated(__builtin_popcount(mask & ~had_pages));
	*zeroed = !(atomic_fetch_or_explicit(&superslab->dirty, mask, memory_order_relaxed) & mask);
	note_kind(superslab, first, wish);
	superslab_list_again(index);
	return index * SUPERSLAB_UNITS + first;
}

/* Some unit was of the kind, free or not. Eight at once: of many superslabs few have one. */
static bool had_kind(const struct superslab *superslab, unsigned kind)
{
	uint64_t low_bits = UINT64_MAX / 255 * 127, others = UINT64_MAX, eight;
	unsigned unit;

	for (unit = 0; unit < SUPERSLAB_UNITS; unit += sizeof(eight)) {
		memcpy(&eight, superslab->kinds + unit, sizeof(eight));
		eight ^= UINT64_MAX / 255 * kind;
		/* Of a byte that is not zero the highest bit is set. */
		others &= ((eight & low_bits) + low_bits) | eight | low_bits;
	}
	return others != UINT64_MAX;
}

/* The one unit, if it is free, has pages, and was of the kind. */
static uint32_t take_of_kind_in(uint32_t index, struct superslab_wish wish, bool *zeroed)
{
	const struct superslab *superslab = superslab_at(index);
	uint32_t units;
	unsigned unit;

	if (!had_kind(superslab, wish.kind))
		return UNIT_NONE;
	units = with_pages(superslab) &
		(uint32_t)atomic_load_explicit(&superslab->units, memory_order_relaxed);
	unit = find_nearest(superslab, units, wish.kind);
	if (unit == SUPERSLAB_UNITS || superslab->kinds[unit] != wish.kind)
		return UNIT_NONE;
	return superslab_run_take_run(index, wish, (uint32_t)1 << unit, zeroed);
}

/* Out of the first superslabs, fullest first: in a small heap of all of them. */
static uint32_t take_of_kind(struct superslab_wish wish, bool *zeroed)
{
	uint64_t candidates = superslab_list_in_use(wish.home) &
			      (((uint64_t)1 << SUPERSLAB_LIST_BARE) - 1) & ~(uint64_t)1;
	unsigned looks = 0;
	uint32_t unit;

	for (; candidates; candidates &= candidates - 1) {
		uint32_t link = superslab_list_first(wish.home,
						     (unsigned)__builtin_ctzll(candidates));

		for (; link; link = superslab_at(index_from_link(link))->next) {
			if (looks++ == ALIKE_LOOKS)
				return UNIT_NONE;
			unit = take_of_kind_in(index_from_link(link), wish, zeroed);
			if (unit != UNIT_NONE)
				return unit;
		}
	}
	return UNIT_NONE;
}

/* From one list of the home. What turns out to stand in the wrong one is moved. */
static uint32_t take_from_list(struct superslab_wish wish, unsigned list, uint32_t starts,
			       bool *zeroed)
{
	uint32_t link = superslab_list_first(wish.home, list);
	unsigned most = starts == SUPERSLAB_ALL_UNITS ? LOOKS_PER_LIST : ALIGNED_LOOKS_PER_LIST;
	unsigned looks;

	for (looks = 0; link && (looks < most || wish.thorough); looks++) {
		uint32_t index = index_from_link(link), unit;

		link = superslab_at(index)->next;
		unit = superslab_run_take_run(index, wish, starts, zeroed);
		if (unit != UNIT_NONE)
			return unit;
		superslab_list_again(index);
	}
	return UNIT_NONE;
}

/* From lists up to the last one. */
static uint32_t take_at(struct superslab_wish wish, unsigned last_list, uint32_t starts,
			bool *zeroed)
{
	uint64_t candidates = superslab_list_in_use(wish.home) >> wish.units << wish.units;
	uint32_t unit = UNIT_NONE;

	for (; candidates && unit == UNIT_NONE; candidates &= candidates - 1) {
		unsigned list = (unsigned)__builtin_ctzll(candidates);

		if (list > last_list)
			break;
		unit = take_from_list(wish, list, starts, zeroed);
	}
	return unit;
}

/*
 * An aligned run goes where it is no more aligned than asked for, in whatever
 * superslab: else each block aligned to 1 MiB would use up a place for one aligned to 2 MiB.
 */
uint32_t superslab_run_take(struct superslab_wish wish, unsigned last_list, bool *zeroed)
{
	/* odd multiples of 1, 2, 4 …; unit 0 is aligned to everything */
	static const uint32_t aligned_starts[] = { 0xaaaaaaaa, 0x44444444, 0x10101010,
						   0x01000100, 0x00010000, 0x00000001 };
	uint32_t unit = UNIT_NONE;
	unsigned i;

	if (wish.alignment == 1 && wish.units == 1 && wish.kind)
		unit = take_of_kind(wish, zeroed);
	if (unit != UNIT_NONE)
		return unit;
	if (wish.alignment == 1)
		return take_at(wish, last_list, SUPERSLAB_ALL_UNITS, zeroed);
	for (i = (unsigned)__builtin_ctz(wish.alignment);
	     unit == UNIT_NONE && i < ARRAY_LENGTH(aligned_starts); i++)
		unit = take_at(wish, last_list, aligned_starts[i], zeroed);
	return unit;
}
