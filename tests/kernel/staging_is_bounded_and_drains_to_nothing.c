/* SPDX-License-Identifier: MIT */
/* Is staging bounded, zeroed, counted, and empty after it was drained? */
#include <config.h>

#include "tests/kernel/kernel_test.h"

static void check_sum(const struct staging *staging, unsigned int taken)
{
	for (int unit = 0; unit < STAGING_UNITS; unit++) {
		const struct staging_pool *pool = &staging->pools[unit];
		unsigned int held = unit == STAGING_HUGE ? 0 : taken;

		expect(pool->ready_count + pool->empty_count + held == pool->count,
		       "unit %d: %u + %u + %u", unit, pool->ready_count,
		       pool->empty_count, held);
	}
}

static size_t resident(const struct staging *staging)
{
	return staging->mapping ? PAGE * resident_pages(staging->mapping, staging->mapping_bytes) :
				  0;
}

int main(void)
{
	struct staged_range range;
	struct staging staging;

	expect(staging_open(&staging, 0, 0, STAGING_ANY_NODE) == -EINVAL,
	       "no unit at all");
	expect(staging_open(&staging, STAGING_MOST_UNITS + 1, 0, STAGING_ANY_NODE) ==
		       -EINVAL,
	       "too many units");
	expect(!staging_open(&staging, 2, 8, 0), "staging_open");
	expect(staging_sample(&staging) > 0, "no sample");
	expect(!staging.mapping, "address space before any was staged");
	expect(staging_refill(&staging, STAGING_SMALL, 100, 3) == 3, "more than `most`");
	expect(staging_refill(&staging, STAGING_SMALL, 2, 100) == 0, "more than wanted");
	expect(staging_refill(&staging, STAGING_SMALL, 100, 100) == 5,
	       "more than there is");
	expect(staging_refill(&staging, STAGING_HUGE, 2, 2) == 2, "no huge unit");
	expect(resident(&staging) == 8 * STAGING_UNIT_BYTES + 2 * STAGING_UNIT_BYTES,
	       "resident %zu", resident(&staging));
	check_sum(&staging, 0);
	expect(huge_kib(staging.pools[STAGING_SMALL].area) == 0,
	       "a huge page in small units");

	expect(staging_take(&staging, STAGING_SMALL, &range), "none ready");
	expect(is_filled_with(range.start, STAGING_UNIT_BYTES, 0),
	       "dirty");
	check_sum(&staging, 1);
	/* Half of it went elsewhere: what is left must not be taken for a whole one. */
	staging_put(&staging, STAGING_SMALL, &range, STAGING_UNIT_BYTES / 2);
	expect(staging.pools[STAGING_SMALL].ready_count == 7, "half a unit is ready");
	check_sum(&staging, 0);
	staging_drain(&staging, STAGING_SMALL, 1);
	staging_drain(&staging, STAGING_HUGE, 0);
	expect(resident(&staging) == STAGING_UNIT_BYTES, "resident %zu",
	       resident(&staging));
	check_sum(&staging, 0);
	expect(staging_take(&staging, STAGING_SMALL, &range), "none ready");
	staging_drain(&staging, STAGING_SMALL, 0);
	expect(resident(&staging) == STAGING_UNIT_BYTES, "a unit was unmapped that is in use");
	staging_put(&staging, STAGING_SMALL, &range, 0);
	staging_drain(&staging, STAGING_SMALL, 0);
	expect(!staging.mapping, "address space when none is staged");
	expect(staging_refill(&staging, STAGING_SMALL, 1, 1) == 1, "not once more");
	check_sum(&staging, 0);
	staging_close(&staging);
	return 0;
}
