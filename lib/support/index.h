/* SPDX-License-Identifier: MIT */
/*
 * index.h - the numbers by which records are known: units, superslabs, slots. There are two forms.
 *
 *   an index   counts from 0; INDEX_NONE: there is none
 *   a link     (head, tail, next, previous, ..._link) is an index + 1; 0: there is none, so that
 *              memory of zeros is empty lists
 *
 * Whoever makes the one of the other calls a function of this file, and a lint looks for those who
 * do not. A slab's class_mark is such a link in 16 bits: slab_class_number() reads it.
 */
#ifndef HAKMEM_SUPPORT_INDEX_H
#define HAKMEM_SUPPORT_INDEX_H

#include <stdint.h>

#define INDEX_NONE	UINT32_MAX

static inline uint32_t index_to_link(uint32_t index)
{
	return index + 1;
}

static inline uint32_t index_from_link(uint32_t link)
{
	return link - 1;
}

/* Each form's none becomes the other's. */
_Static_assert((uint32_t)(INDEX_NONE + 1u) == 0, "a link of none is none");

#endif
