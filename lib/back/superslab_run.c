/* SPDX-License-Identifier: MIT */
/*
 * superslab_run.c - see superslab_run.h.
 */
#include <config.h>

#include "back/superslab_run.h"

#include "back/charge.h"
#include "back/superslab_list.h"
#include "support/compiler.h"

/* A long list of superslabs without a fitting run is not walked to its end, while there is more. */
#define LOOKS_PER_LIST		8
#define ALIGNED_LOOKS_PER_LIST	32

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

/* What has pages already before what has not. */
static unsigned choose_run(const struct superslab *superslab, uint32_t free_units, unsigned units,
			   uint32_t starts)
{
	uint32_t populated = atomic_load_explicit(&superslab->populated, memory_order_relaxed);
	unsigned first = find_run(free_units & populated, units, starts);

	return first < SUPERSLAB_UNITS ? first : find_run(free_units, units, starts);
}

/* A run out of a superslab that stands in a list, or UNIT_NONE. */
static uint32_t superslab_run_take_run(uint32_t index, unsigned units, uint32_t starts,
				       bool *zeroed)
{
	struct superslab *superslab = superslab_at(index);
	uint64_t word = atomic_load_explicit(&superslab->units, memory_order_relaxed);
	uint32_t mask, had_pages;
	unsigned first;

	do {
		first = choose_run(superslab, (uint32_t)word, units, starts);
		if (first == SUPERSLAB_UNITS)
			return UNIT_NONE;
		mask = superslab_run_mask(first, units);
		/* acquire: pairs with superslab_put_slab and superslab_claim_put */
	} while (!atomic_compare_exchange_weak_explicit(&superslab->units, &word,
							word & ~(uint64_t)mask,
							memory_order_acquire,
							memory_order_relaxed));
	had_pages = atomic_fetch_or_explicit(&superslab->populated, mask, memory_order_relaxed);
	if (mask & ~had_pages)
		charge_note_populated(__builtin_popcount(mask & ~had_pages));
	*zeroed = !(atomic_fetch_or_explicit(&superslab->dirty, mask, memory_order_relaxed) & mask);
	superslab_list_again(index);
	return index * SUPERSLAB_UNITS + first;
}

/* From one list of the home. What turns out to stand in the wrong one is moved. */
static uint32_t take_from_list(struct superslab_wish wish, unsigned list, uint32_t starts,
			       bool *zeroed)
{
	uint32_t link = superslab_list_first(wish.home, list);
	unsigned most = starts == SUPERSLAB_ALL_UNITS ? LOOKS_PER_LIST : ALIGNED_LOOKS_PER_LIST;
	unsigned looks;

	for (looks = 0; link && (looks < most || wish.thorough); looks++) {
		uint32_t index = link - 1, unit;

		link = superslab_at(index)->next;
		unit = superslab_run_take_run(index, wish.units, starts, zeroed);
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

	if (wish.alignment == 1)
		return take_at(wish, last_list, SUPERSLAB_ALL_UNITS, zeroed);
	for (i = (unsigned)__builtin_ctz(wish.alignment);
	     unit == UNIT_NONE && i < ARRAY_LENGTH(aligned_starts); i++)
		unit = take_at(wish, last_list, aligned_starts[i], zeroed);
	return unit;
}
