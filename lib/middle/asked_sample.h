/* SPDX-License-Identifier: MIT */
/*
 * asked_sample.h - how many bytes were asked for, estimated: blocks do not remember it, and the
 * fast path has no instruction to spare.
 *
 * Who may run with whom: the owner of a heap alone calls this.
 *
 * A refill knows what was asked for the one block that it hands out at once. Were it always
 * that one, a program whose sizes come in turns would be seen at one phase of them. So now and
 * then a bin is filled only up to a block drawn at random, and the request that comes for that
 * one is noted with its slab, until the block is back there. Each block that leaves a slab is
 * drawn with the same chance, whatever is asked for: the mean of what is noted for a class, times
 * the live blocks of it, is the estimate.
 */
#ifndef HAKMEM_MIDDLE_ASKED_SAMPLE_H
#define HAKMEM_MIDDLE_ASKED_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "middle/heap_count.h"
#include "middle/slab.h"

/* Of one thread; zero to start with. */
struct asked_sampling {
	uint16_t until[CLASS_COUNT];	/* blocks that leave slabs before the one that is noted */
	uint32_t random;
};

/*
 * Before a refill: whether its first block is to be noted. *wanted is cut down so that the
 * next one to be noted will be the first of a refill too.
 */
bool asked_sample_is_due(struct asked_sampling *sampling, unsigned class, uint32_t *wanted);

/* After it: so many blocks were taken. */
void asked_sample_count(struct asked_sampling *sampling, unsigned class, uint32_t taken);

/* counts: of the heap, by class. The block was just taken from a slab, for so many bytes. */
void asked_sample_note(struct heap_count *counts, void *block, size_t asked);

/* Blocks have come back to the slab: what was noted for one that is free is forgotten. */
void asked_sample_drop_free(struct heap_count *counts, struct slab *slab);

/* The slab's blocks are gone, all of them. */
void asked_sample_drop_all(struct heap_count *counts, struct slab *slab);

#endif
