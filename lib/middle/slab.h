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

#include "middle/slab_guest.h"
#include "middle/slab_record.h"

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

	if (unlikely((size_t)index * class->size != in_slab || index >= class->capacity))
		return 0;
	return likely(!slab_guests(unit)) ? class->size : slab_guest_bytes(unit, index);
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
/* That message, of a block of the slab that begins at first. */
void slab_refuse(uint32_t first, void *block) NORETURN;
/* Before that: asks for what it will read and write, of all of these at once. */
void slab_fetch_records(unsigned class, void *const *blocks, unsigned count);

/* The index of the block that the address lies in, or capacity if it lies behind the last. */
unsigned slab_block_index(const struct slab *slab, uint32_t first, const void *address);

#endif
