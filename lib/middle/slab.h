/* SPDX-License-Identifier: MIT */
/*
 * slab.h - a run of equal blocks. Its record lies outside its memory; which of its blocks
 * are free is a bitmap there, so that nothing here touches a block.
 *
 * Who may run with whom: the owner of the heap alone takes and puts; anyone may ask
 * slab_at() and read heap, class_mark and position of a slab that holds a live block.
 */
#ifndef HAKMEM_MIDDLE_SLAB_H
#define HAKMEM_MIDDLE_SLAB_H

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
	uint32_t next, previous;	/* unit + 1, in a list of the heap; owner only */
	uint16_t class_mark;		/* class + 1; stays when the slab is put, for messages */
	uint16_t free_blocks;		/* owner only */
	uint16_t untouched_from;	/* owner only */
	uint8_t position;		/* of this unit in its slab: 0 is the one described here */
	uint8_t first_word;		/* no bit is set in a lower word; owner only */
	bool zeroed;			/* owner only */
	bool listed;			/* owner only */
	bool brought;			/* its untouched part has pages: see brought.h; owner only */
	bool frozen;			/* see heap.h; by heap list lock */
	uint8_t combed;			/* see comb.h; owner only */
	uint8_t samples;		/* see asked_sample.h; owner only */
	uint16_t sampled_index[SLAB_SAMPLES];	/* of a block … */
	uint32_t sampled_asked[SLAB_SAMPLES];	/* … and what it was asked for with */
	uint16_t holes;			/* pages that were combed and not taken from since; owner only */
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

/* The slab that holds the unit; the unit must be in one. Slabs do not cross superslabs. */
static inline struct slab *slab_at(size_t unit)
{
	return slab_unit(unit - slab_unit(unit)->position);
}

static inline const struct size_class *slab_class(const struct slab *slab)
{
	return &size_class_table[slab->class_mark - 1];
}

/*
 * The bytes of the block that starts at an offset into the heap, in a unit that is in a slab;
 * 0: no block starts there. It reads one record: all units of a slab know their class.
 */
static inline size_t slab_block_bytes(size_t offset)
{
	const struct slab *unit = slab_unit(offset >> UNIT_SHIFT);
	const struct size_class *class = slab_class(unit);
	size_t in_slab = offset % UNIT_SIZE + unit->position * UNIT_SIZE;
	unsigned index = size_class_block_index(class, in_slab);

	return (size_t)index * class->size == in_slab && index < class->capacity ? class->size : 0;
}

/* Describes the units from first on as one slab with every block free. */
void slab_create(uint32_t first, unsigned class, struct heap *heap, bool zeroed);

/* The inverse: its units are in no slab. They still belong to the caller. */
void slab_destroy(uint32_t first);

/*
 * Takes up to count free blocks, low addresses first; returns how many. From the untouched
 * part at most one block or UNTOUCHED_BYTES are taken at a time (RECYCLED_BYTES, if the memory
 * was another slab's): pages stay missing until they are needed.
 */
unsigned slab_take_blocks(struct slab *slab, uint32_t first, void **blocks, unsigned count);

/* One at random; there must be one. What is untouched is used a few pages at a time. */
void *slab_take_random_block(struct slab *slab, uint32_t first, uint64_t random);

/*
 * Puts the first of the blocks back and those behind it up to one of another slab; returns how
 * many. A pointer inside a block, or a block that is free already, is misuse: a message, then
 * abort.
 */
unsigned slab_put_blocks(struct slab *slab, uint32_t first, void *const *blocks, unsigned count);
/* Before that: asks for what it will read and write, of all of these at once. */
void slab_fetch_records(unsigned class, void *const *blocks, unsigned count);

/* The index of the block that the address lies in, or capacity if it lies behind the last. */
unsigned slab_block_index(const struct slab *slab, uint32_t first, const void *address);

#endif
