/* SPDX-License-Identifier: MIT */
/*
 * superslab_record.h - what is noted of a superslab: which of its units are whose, and room
 * for what the middle layer notes of them. It lies outside the memory that it describes.
 *
 * Who may run with whom: a unit's bits and record are its holder's, who has it by one atomic
 * change of units; the rest as each field says.
 */
#ifndef HAKMEM_BACK_SUPERSLAB_RECORD_H
#define HAKMEM_BACK_SUPERSLAB_RECORD_H

#include <stdatomic.h>
#include <stdint.h>

#include "back/reservation.h"

/* Room for what the middle layer notes of a unit (struct slab); zero until first used. */
#define UNIT_RECORD_BYTES	576

#define SUPERSLAB_ALL_UNITS	UINT32_MAX

struct unit_record {
	uint64_t words[UNIT_RECORD_BYTES / 8];
};

/*
 * taken + free + away = 32 units: two halves of one word, so that it holds at every moment,
 * in a fork's child too. Away is what is being released. Masks have a bit a unit.
 *
 *     units   | away: 32 bits | free: 32 bits |     neither: taken
 *
 * Bits of populated, dirty and brought belong to whoever holds the unit: its taker or its releaser.
 */
struct superslab {
	_Atomic uint64_t units;		/* release when free bits are set; acquire to clear them */
	_Atomic uint32_t populated;	/* pages may be there */
	_Atomic uint32_t dirty;		/* may hold anything but zeroes */
	_Atomic uint32_t brought;	/* their pages came before a slab did: see brought.h */
	/* put since the helper last looked; relaxed: before units */
	_Atomic uint32_t touched;
	uint32_t next, previous;	/* links in its list; by superslab lock */
	uint16_t listed;		/* list + 1; 0: in none; by superslab lock */
	_Atomic uint16_t home;		/* where its pages come from; relaxed: it seldom changes */
	_Atomic uint32_t moved_link;	/* see index_stack.h: its place in the lists is not true */
	_Atomic uint32_t idle_link;	/* the same: the helper should look at it */
	uint32_t quiet[4];		/* see release_policy.h; the helper's alone */
	uint32_t due;			/* to be released; the helper's alone */
	uint32_t surplus_link;		/* the helper's, while it has the superslab */
	/* its first touch brings all of it; relaxed: the helper's word */
	_Atomic uint32_t huge;
	/* a bit a slab's first unit: see middle/slab_remote.h; seq_cst */
	_Atomic uint32_t remote;
	/* what each was taken for last, see superslab_take_slab; by superslab lock */
	uint8_t kinds[SUPERSLAB_UNITS];
	uint32_t unused[5];			/* to the end of a cache line */
	struct unit_record records[SUPERSLAB_UNITS];
};

_Static_assert(sizeof(struct superslab) == SUPERSLAB_RECORD_BYTES, "reservation.c opens so many");
_Static_assert(sizeof(struct superslab) % ARCH_CACHE_LINE_BYTES == 0,
	       "records stay on cache lines");

static inline struct superslab *superslab_at(size_t index)
{
	return (struct superslab *)reservation.anchor - (index + 1);
}

static inline struct unit_record *superslab_unit_record(size_t unit)
{
	return &superslab_at(unit / SUPERSLAB_UNITS)->records[unit % SUPERSLAB_UNITS];
}

static inline uint32_t superslab_free_units(size_t index)
{
	return (uint32_t)atomic_load_explicit(&superslab_at(index)->units, memory_order_acquire);
}

static inline uint32_t superslab_run_mask(unsigned first, unsigned units)
{
	return (SUPERSLAB_ALL_UNITS >> (SUPERSLAB_UNITS - units)) << first;
}

#endif
