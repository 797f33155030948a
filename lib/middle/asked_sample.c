/* SPDX-License-Identifier: MIT */
/*
 * asked_sample.c - see asked_sample.h.
 */
#include <config.h>

#include "middle/asked_sample.h"

#define INTERVAL_LEAST	128	/* blocks, at the mean: a sample costs one more refill */

/* Xorshift (Marsaglia, 2003). */
static uint32_t asked_sample_next_random(struct asked_sampling *sampling)
{
	uint32_t random = sampling->random;

	if (!random)
		random = (uint32_t)((uintptr_t)sampling >> 4) | 1;
	random ^= random << 13;
	random ^= random >> 17;
	random ^= random << 5;
	sampling->random = random;
	return random;
}

/* Drawn evenly between 1 and what makes the mean: no rhythm of the program's is met. */
static uint16_t draw_interval(struct asked_sampling *sampling, unsigned class)
{
	uint32_t mean = size_class_table[class].capacity;

	if (mean < INTERVAL_LEAST)
		mean = INTERVAL_LEAST;
	return (uint16_t)(1 + asked_sample_next_random(sampling) % (2 * mean - 1));
}

bool asked_sample_is_due(struct asked_sampling *sampling, unsigned class, uint32_t *wanted)
{
	bool due = !sampling->until[class];

	if (due)
		sampling->until[class] = draw_interval(sampling, class);
	if (*wanted > sampling->until[class])
		*wanted = sampling->until[class];
	return due;
}

void asked_sample_count(struct asked_sampling *sampling, unsigned class, uint32_t taken)
{
	uint16_t until = sampling->until[class];

	/* A bin of one block at the least may take one more than was wanted. */
	sampling->until[class] = taken < until ? (uint16_t)(until - taken) : 0;
}

static void forget(struct heap_count *count, struct slab *slab, unsigned place)
{
	heap_count_add(&count->samples, (uint32_t)-1);
	heap_count_add_bytes(&count->asked, -(uint64_t)slab->sampled_asked[place]);
	slab->samples--;
	slab->sampled_asked[place] = slab->sampled_asked[slab->samples];
	slab->sampled_index[place] = slab->sampled_index[slab->samples];
}

void asked_sample_note(struct heap_count *counts, void *block, size_t asked)
{
	uint32_t unit = reservation_unit_of(block);
	uint32_t first = slab_first_unit(unit);
	struct slab *slab = slab_unit(first);
	struct heap_count *count = &counts[slab_class_number(slab)];

	/* Full: the oldest knows least of what is live. */
	if (slab->samples == SLAB_SAMPLES)
		forget(count, slab, 0);
	slab->sampled_asked[slab->samples] = (uint32_t)asked;
	slab->sampled_index[slab->samples] = (uint16_t)slab_block_index(slab, first, block);
	slab->samples++;
	heap_count_add(&count->samples, 1);
	heap_count_add_bytes(&count->asked, asked);
}

void asked_sample_drop_free(struct heap_count *counts, struct slab *slab)
{
	unsigned place = slab->samples;

	/* From the last on: forgetting one moves the last to its place. */
	while (place-- > 0) {
		unsigned index = slab->sampled_index[place];

		if (slab->free_bits[index / 64] >> index % 64 & 1)
			forget(&counts[slab_class_number(slab)], slab, place);
	}
}

void asked_sample_drop_all(struct heap_count *counts, struct slab *slab)
{
	while (slab->samples)
		forget(&counts[slab_class_number(slab)], slab, 0);
}
