/* SPDX-License-Identifier: MIT */
/*
 * slab_source.h - where a heap's slabs come from: the superslabs, and what to do when they
 * have none, or the process is at its limit.
 */
#ifndef HAKMEM_MIDDLE_SLAB_SOURCE_H
#define HAKMEM_MIDDLE_SLAB_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

/* The first of so many units; UNIT_NONE: no memory. See superslab_take_slab. */
uint32_t slab_source_take(unsigned units, unsigned alignment, unsigned home, unsigned kind,
			  bool *zeroed);

#endif
