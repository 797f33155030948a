/* SPDX-License-Identifier: MIT */
/*
 * extended.h - what the flags of hak_mallocx and its kin mean, for heaps of one's own.
 */
#ifndef HAKMEM_FRONT_EXTENDED_H
#define HAKMEM_FRONT_EXTENDED_H

#include <stddef.h>

#include <hakmem/hakmem.h>

/* The shape of flags: see hakmem.h. jemalloc's have the same, but for what is above it. */
#define EXTENDED_LG_ALIGN_MASK	63
#define EXTENDED_SAME_FLAGS	(EXTENDED_LG_ALIGN_MASK | HAK_ZERO)
#define EXTENDED_NODE_SHIFT	8	/* of HAK_NODE */

_Static_assert(HAK_NODE(0) == 1 << EXTENDED_NODE_SHIFT &&
		       EXTENDED_SAME_FLAGS < 1 << EXTENDED_NODE_SHIFT,
	       "hakmem.h says the same");

struct thread_cache;

/* The home that the flags ask for, or the given one where they ask for none. */
unsigned extended_home(int flags, unsigned otherwise);

/*
 * A block of size bytes, aligned as the flags say, out of a cache that the caller works in. Not
 * cleared. NULL without errno: no memory.
 */
void *extended_take(struct thread_cache *cache, size_t size, int flags);

/* What the caller is given of it: cleared if the flags say so; NULL with ENOMEM. */
void *extended_finish(void *block, size_t size, int flags);

#endif
