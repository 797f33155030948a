/* SPDX-License-Identifier: MIT */
/*
 * slab_brought.h - a slab whose pages came ahead of it counts as brought (see back/brought.h),
 * block by block, until it is cut to its end or loses them.
 *
 * Who may run with whom: the holder of the slab's heap alone.
 */
#ifndef HAKMEM_MIDDLE_SLAB_BROUGHT_H
#define HAKMEM_MIDDLE_SLAB_BROUGHT_H

#include "middle/slab.h"

/* Whether all units of a fresh slab were brought ahead; they are the slab's to count now. */
bool slab_brought_take(uint32_t first, unsigned units);

/* Blocks from there up to untouched_from have left the untouched part. lane: see brought.h. */
void slab_brought_use(struct slab *slab, unsigned from, uint32_t lane);

/* The untouched part has lost its pages, or is free memory like any other. */
void slab_brought_drop(struct slab *slab);

#endif
