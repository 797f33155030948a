/* SPDX-License-Identifier: MIT */
/*
 * A histogram of durations that never allocates: exact to 127 ns, then 64 buckets for
 * each doubling, so that a percentile is less than 1.6 % too high. Largest value and sum
 * are exact. One thread writes one; histogram_merge joins them. Called by populate.c.
 */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

enum {
	HISTOGRAM_SHIFT = 6,
	HISTOGRAM_BUCKETS = (64 - HISTOGRAM_SHIFT + 1) << HISTOGRAM_SHIFT,
};

struct histogram {
	uint32_t counts[HISTOGRAM_BUCKETS];
	uint64_t count; /* the sum of counts[] */
	uint64_t sum;
	uint64_t most;
};

void histogram_merge(struct histogram *into, const struct histogram *from);

/* The value that a share of all values, such as 0.999, do not exceed. */
uint64_t histogram_percentile(const struct histogram *histogram, double share);

/* The same beyond what a share of the noise explains. */
uint64_t histogram_percentile_beyond(const struct histogram *histogram, double share,
				     const struct histogram *noise, double noise_share);

static inline unsigned int histogram_index(uint64_t value)
{
	unsigned int bits = 64 - (unsigned int)__builtin_clzll(value | 1);
	unsigned int shift;

	if (bits <= HISTOGRAM_SHIFT + 1)
		return (unsigned int)value;
	shift = bits - (HISTOGRAM_SHIFT + 1);
	return (shift << HISTOGRAM_SHIFT) + (unsigned int)(value >> shift);
}

static inline void histogram_add(struct histogram *histogram, uint64_t value)
{
	histogram->counts[histogram_index(value)]++;
	histogram->count++;
	histogram->sum += value;
	if (value > histogram->most)
		histogram->most = value;
}

#endif
