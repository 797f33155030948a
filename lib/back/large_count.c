/* SPDX-License-Identifier: MIT */
/*
 * large_count.c - see large_count.h.
 */
#include <config.h>

#include "back/large_count.h"

#include <stdatomic.h>

#include "back/large_run.h"

struct large_count_totals large_count_totals;

static void add(_Atomic size_t *counter, int64_t amount)
{
	size_t before = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, before + (size_t)amount, memory_order_relaxed);
}

void large_count_add(int32_t units, int blocks, int64_t slack)
{
	add(&large_count_totals.live_units, units);
	add(&large_count_totals.live_blocks, blocks);
	add(&large_count_totals.live_slack, slack);
}

void large_count_add_range(int32_t units)
{
	add(&large_count_totals.range_units, units);
}

struct large_counts large_count_read(void)
{
	size_t bytes = atomic_load_explicit(&large_count_totals.live_units, memory_order_relaxed)
		       << UNIT_SHIFT;
	size_t dirty_bytes = (size_t)large_run_dirty_units() << UNIT_SHIFT;
	size_t all = atomic_load_explicit(&large_count_totals.range_units, memory_order_relaxed)
		     << UNIT_SHIFT;

	return (struct large_counts){
		.live_bytes = bytes,
		.live_blocks =
			atomic_load_explicit(&large_count_totals.live_blocks, memory_order_relaxed),
		.asked_bytes = bytes - atomic_load_explicit(&large_count_totals.live_slack,
							    memory_order_relaxed),
		.free_dirty_bytes = dirty_bytes,
		.free_clean_bytes = all > bytes + dirty_bytes ? all - bytes - dirty_bytes : 0,
	};
}
