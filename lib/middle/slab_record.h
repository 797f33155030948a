/* SPDX-License-Identifier: MIT */
/*
 * slab_record.h - what is known of a slab.
 *
 * Who may run with whom: as slab.h says.
 */
#ifndef HAKMEM_MIDDLE_SLAB_RECORD_H
#define HAKMEM_MIDDLE_SLAB_RECORD_H

#include <stdatomic.h>
#include <stdbool.h>

#include "back/superslab.h"

struct heap;

#define SLAB_SAMPLES	2

/*
 * capacity = free_blocks + blocks that are in use, in bins or on their way as remote frees
 * free_blocks = bits set in free_bits
 *
 *   blocks  0 ─────────────── untouched_from ──────────────── capacity
 *            handed out before │ never: pages may be missing, zero if zeroed
 */
struct slab {
	_Atomic(struct heap *) heap;	/* NULL: the unit is in no slab */
	/* see slab_remote.h; NULL: none yet; stays when the slab is put. release: who brings it */
	_Atomic(_Atomic uint64_t *) remote;
	uint32_t next, previous;	/* links by unit, in a list of the heap; owner only */
	uint16_t class_mark;		/* class + 1; stays when the slab is put, for messages */
	uint16_t free_blocks;		/* owner only */
	uint16_t untouched_from;	/* owner only */
	uint8_t position;		/* of this unit in its slab: 0 is the one described here */
	uint8_t first_word;		/* no bit is set in a lower word; owner only */
	bool zeroed;			/* owner only */
	bool listed;			/* owner only */
	/* its untouched part has pages: see brought.h; owner only */
	bool brought;
	bool frozen;			/* see heap.h; by heap list lock */
	uint8_t combed;			/* see comb.h; owner only */
	uint8_t samples;		/* see asked_sample.h; owner only */
	uint16_t sampled_index[SLAB_SAMPLES];	/* of a block … */
	uint32_t sampled_asked[SLAB_SAMPLES];	/* … and what it was asked for with */
	/* pages that were combed and not taken from since; owner only */
	uint16_t holes;
	/* see slab_guest.h; relaxed: of a live block's it says enough */
	_Atomic uint16_t guests;
	/* no run of so many free blocks; 0: not known; owner only */
	uint16_t no_run;
	uint64_t free_bits[SLAB_BLOCKS_MAX / 64];	/* owner only */
};

_Static_assert(sizeof(struct slab) <= UNIT_RECORD_BYTES, "a slab's record fits its unit's");

/* Of combed: 0: blocks were taken since; else the round that first saw that none were, or: */
#define SLAB_COMBED		255	/* all its holes are known */
#define SLAB_COMBED_ONCE	254	/* they were; blocks were put since */

/* The record of one unit. */
static inline struct slab *slab_unit(size_t unit)
{
	return (struct slab *)superslab_unit_record(unit);
}

/* The first unit of the slab that a unit is in. */
static inline uint32_t slab_first_unit(uint32_t unit)
{
	return unit - slab_unit(unit)->position;
}

/* The class of a slab that is, or was. */
static inline unsigned slab_class_number(const struct slab *slab)
{
	return slab->class_mark - 1u;
}

/* Of a live block; any unit of its slab knows it. */
static inline unsigned slab_class_of_block(const void *block)
{
	return slab_class_number(slab_unit(reservation_unit_of(block)));
}

/* The slab that holds the unit; the unit must be in one. Slabs do not cross superslabs. */
static inline struct slab *slab_at(size_t unit)
{
	return slab_unit(slab_first_unit(unit));
}

static inline const struct size_class *slab_class(const struct slab *slab)
{
	return &size_class_table[slab->class_mark - 1];
}

/* Also by who does not own the slab. */
static inline unsigned slab_guests(const struct slab *slab)
{
	return atomic_load_explicit(&slab->guests, memory_order_relaxed);
}

#endif
