/* SPDX-License-Identifier: MIT */
/*
 * slab_guest.h - blocks of a larger class in a slab's free blocks that lie side by side.
 *
 * A guest is live blocks of its host, but for the mark that all behind the first have: they are
 * its tail. A slab of 16 B blocks has no room for marks, and hosts nobody.
 *
 * Who may run with whom: as slab.h; anyone may ask for the bytes of a block that lives.
 */
#ifndef HAKMEM_MIDDLE_SLAB_GUEST_H
#define HAKMEM_MIDDLE_SLAB_GUEST_H

#include "middle/slab_record.h"

/* Marks lie behind the bits of half as many blocks as a slab has at most. */
#define SLAB_TAIL_WORD	(SLAB_BLOCKS_MAX / 64 / 2)

static inline bool slab_guest_may_be_in(const struct size_class *class)
{
	return class->units == 1 && class->capacity <= SLAB_BLOCKS_MAX / 2;
}

/*
 * Takes up to count guests of length blocks each, from what was handed out before; returns how
 * many.
 */
unsigned slab_guest_take(struct slab *slab, uint32_t first, void **blocks, unsigned count,
			 unsigned length);

/* Of the block at an index of a slab with guests; 0: it is inside of one. */
size_t slab_guest_bytes(const struct slab *slab, unsigned index);

/* The first block of a guest is free again: so is its tail. Returns how many blocks that are. */
unsigned slab_guest_put_tail(struct slab *slab, unsigned index);

/* Whether the block at an index is the tail of a guest; slab->guests is not zero. */
bool slab_guest_has_tail_at(const struct slab *slab, unsigned index);

/* Where the guest begins whose tail the block at an index is; else the index. */
unsigned slab_guest_head(const struct slab *slab, unsigned index);

/* Forgets which blocks are free, not which are tails. */
void slab_guest_forget_free(struct slab *slab);

#endif
