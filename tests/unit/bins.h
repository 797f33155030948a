/* SPDX-License-Identifier: MIT */
/*
 * bins.h - what holds of a thread's bins whenever nobody else works in them.
 */
#ifndef TESTS_UNIT_BINS_H
#define TESTS_UNIT_BINS_H

#include "front/thread_cache.h"

#include "tests/unit/unit.h"

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
		/* A limit that has just been halved is come down to flush by flush. */
		ck_assert_uint_le(thread_cache_bin_count(bin), 2 * cache->limits[class]);
		for (slot = bottom + 1; slot <= bin->top; slot++)
			ck_assert_ptr_eq(reservation.bin_of_unit[reservation_unit_of(*slot)], bin);
	}
}

#endif
