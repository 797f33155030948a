/* SPDX-License-Identifier: MIT */
/*
 * slab_remote.h - blocks that other threads have freed while their owner read no messages: a bit
 * each, in words of the slab's own that a unit gets when it first needs them and keeps.
 *
 * Who may run with whom:
 *                      slab_remote_put   slab_remote_take
 *   slab_remote_put          yes               yes
 *   slab_remote_take         yes                -  (the holder of the heap alone)
 *
 * A slab with such a block is not empty, so it stays whose it is until the block was taken. Its
 * bit in the superslab's word of slabs to look at may be set for nothing.
 */
#ifndef HAKMEM_MIDDLE_SLAB_REMOTE_H
#define HAKMEM_MIDDLE_SLAB_REMOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "middle/slab_record.h"

#define SLAB_REMOTE_WORDS	(SLAB_BLOCKS_MAX / 64)

enum slab_remote_put {
	SLAB_REMOTE_PUT,
	SLAB_REMOTE_REFUSED,	/* it is free already, or no block starts there */
	SLAB_REMOTE_NO_MEMORY,	/* for the words */
};

/* By who frees a block of another's slab; then whoever owns it has to be told. */
enum slab_remote_put slab_remote_put(const void *block);

/*
 * What others have put into one slab of the superslab since, and were not told to leave: its
 * words, all zero where there was none. Returns its first unit; UNIT_NONE: no slab of the heap has
 * any.
 */
uint32_t slab_remote_take(uint32_t superslab, const struct heap *heap, uint64_t *words);

/* A new slab; nobody else knows it. */
void slab_remote_begin(struct slab *slab);

#endif
