/* SPDX-License-Identifier: MIT */
/*
 * bins.h - what holds of a thread's bins whenever nobody else works in them.
 */
#ifndef TESTS_UNIT_BINS_H
#define TESTS_UNIT_BINS_H

#include <hakmem/hakmem.h>

#include "front/thread_cache.h"

#include "tests/unit/unit.h"

/* A block of the bin's class, out of the cache's slabs or of common ones. */
static inline bool bins_may_hold(struct bin *bin, const void *block)
{
	struct bin *home = (struct bin *)reservation.bin_of_unit[reservation_unit_of(block)];

	return home == bin || (thread_cache_bin_owner(home)->cache->heap.common &&
			       thread_cache_bin_class(home) == thread_cache_bin_class(bin));
}

static inline void bins_check(struct thread_cache *cache)
{
	unsigned class;

	for (class = 0; class < CLASS_COUNT; class++) {
		struct bin *bin = &cache->bins[class];
		void **slot, **bottom = bin_bottom(&cache->slots[class]);

		ck_assert_ptr_null(bottom[0]);
		ck_assert_ptr_null(bottom[-1]);
		ck_assert_ptr_null(cache->seized.taken[class]);
		ck_assert(bottom <= bin->top);
		/* Beyond a limit that was lowered, a bin comes down to it flush by flush. */
		ck_assert(bin->top <= bin->full);
		for (slot = bottom + 1; slot <= bin->top; slot++)
			ck_assert(bins_may_hold(bin, *slot));
	}
}

/* A seized bin cannot grow: what it has no room for goes elsewhere. */
static inline void bins_make_room(struct thread_cache *cache, size_t size, unsigned count)
{
	const struct bin *bin = &cache->bins[size_class_of(size)];

	while (bin->full - bin->top < count)
		ck_assert_ptr_nonnull(hak_malloc(size));
}

#endif
