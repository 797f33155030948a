/* SPDX-License-Identifier: MIT */
/*
 * Joining histograms and reading percentiles out of one; both after the measurement.
 */
#include "bench/histogram.h"

/* The largest value that falls into a bucket. */
static uint64_t bucket_top(unsigned int index)
{
	unsigned int shift;

	if (index < 2U << HISTOGRAM_SHIFT)
		return index;
	shift = (index >> HISTOGRAM_SHIFT) - 1;
	return (((uint64_t)index - ((uint64_t)shift << HISTOGRAM_SHIFT) + 1) << shift) -
	       1;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
	for (unsigned int i = 0; i < HISTOGRAM_BUCKETS; i++)
		into->counts[i] += from->counts[i];
	into->count += from->count;
	into->sum += from->sum;
	if (from->most > into->most)
		into->most = from->most;
}

uint64_t histogram_percentile(const struct histogram *histogram, double share)
{
	double wanted = share * (double)histogram->count;
	uint64_t seen = 0;

	for (unsigned int i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += histogram->counts[i];
		if ((double)seen >= wanted && seen)
			return bucket_top(i) < histogram->most ? bucket_top(i) :
								 histogram->most;
	}
	return histogram->most;
}

uint64_t histogram_percentile_beyond(const struct histogram *histogram, double share,
				     const struct histogram *noise, double noise_share)
{
	double allowed = (1 - share) * (double)histogram->count, above = 0;

	for (unsigned int i = HISTOGRAM_BUCKETS; i-- > 0;) {
		above += (double)histogram->counts[i] - noise_share * (double)noise->counts[i];
		if (above > allowed)
			return bucket_top(i) < histogram->most ? bucket_top(i) :
								 histogram->most;
	}
	return 0;
}
