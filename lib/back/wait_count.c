/* SPDX-License-Identifier: MIT */
/*
 * wait_count.c - see wait_count.h. Times fall into buckets, eight for each doubling.
 */
#include <config.h>

#include "back/wait_count.h"

#define EIGHTHS_SHIFT	3
#define EIGHTHS		(1u << EIGHTHS_SHIFT)
#define BUCKETS		(48 * EIGHTHS)	/* 2^48 ns are three days */

_Atomic bool wait_count_is_on;

/* relaxed: counts of a moment */
static _Atomic uint64_t buckets[BUCKETS] SPARSE, most;

static unsigned bucket_of(uint64_t ns)
{
	unsigned doubling, bucket;

	if (ns < EIGHTHS)
		return (unsigned)ns;
	doubling = 63u - (unsigned)__builtin_clzll(ns);
	bucket = (doubling - EIGHTHS_SHIFT + 1) * EIGHTHS +
		 (unsigned)(ns >> (doubling - EIGHTHS_SHIFT) & (EIGHTHS - 1));
	return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

/* What is just longer than all in it. */
static uint64_t wait_count_end_of(unsigned bucket)
{
	unsigned doubling = bucket / EIGHTHS, eighth = bucket % EIGHTHS;

	return doubling ? (uint64_t)(EIGHTHS + eighth + 1) << (doubling - 1) : eighth + 1;
}

void wait_count_add(uint64_t waited_ns)
{
	uint64_t longest = atomic_load_explicit(&most, memory_order_relaxed);

	atomic_fetch_add_explicit(&buckets[bucket_of(waited_ns)], 1, memory_order_relaxed);
	while (waited_ns > longest &&
	       !atomic_compare_exchange_weak_explicit(&most, &longest, waited_ns,
						      memory_order_relaxed, memory_order_relaxed))
		;
}

void wait_count_read(struct wait_counts *counts)
{
	uint64_t beyond = 0;
	unsigned i;

	*counts = (struct wait_counts){ .most_ns =
						atomic_load_explicit(&most, memory_order_relaxed) };
	for (i = 0; i < BUCKETS; i++)
		counts->waits += atomic_load_explicit(&buckets[i], memory_order_relaxed);
	for (i = BUCKETS; i-- > 0 && beyond <= counts->waits / 100;)
		beyond += atomic_load_explicit(&buckets[i], memory_order_relaxed);
	if (counts->waits)
		counts->p99_ns = wait_count_end_of(i + 1);
	if (counts->p99_ns > counts->most_ns)
		counts->p99_ns = counts->most_ns;
}
