/* SPDX-License-Identifier: MIT */
/*
 * counted.c - see counted.h. Called by thread_cache.c and profiled.c.
 */
#include <config.h>

#include "front/counted.h"

static void **bottom_of(const struct counted *counted, unsigned bin)
{
	return bin_bottom(&counted->slots[bin]);
}

uint32_t RACY_READER counted_blocks(const struct counted *counted, unsigned class)
{
	unsigned bin = counted_of_class(class);
	ptrdiff_t count;

	if (bin == COUNTED_BINS || !counted->tops[bin])
		return 0;
	count = counted->tops[bin] - bottom_of(counted, bin);
	return count < 0 || count > BIN_ARRAY_MOST ? 0 : (uint32_t)count;
}

void counted_begin(struct counted *counted, bool on, void **none)
{
	struct bin begun;
	unsigned bin;

	atomic_store_explicit(&counted->on, on, memory_order_relaxed);
	if (on)
		sampling_ask_again(&counted->sampling);
	for (bin = 0; on && bin < COUNTED_BINS; bin++) {
		counted->turns[bin] = COUNTED_TURNS;
		if (counted->tops[bin])
			continue;
		bin_begin(&begun, &counted->slots[bin], none);
		counted->tops[bin] = begun.top;
		counted->fulls[bin] = begun.full;
	}
}

void counted_let_go(struct counted *counted, unsigned class)
{
	unsigned bin = counted_of_class(class);

	if (!counted->stopped[bin])
		return;
	*counted->stops[bin] = counted->stopped[bin];
	counted->stopped[bin] = NULL;
}

void counted_hold_back(struct counted *counted, unsigned class)
{
	uint32_t *left = &counted->sampling.left[class], count;
	unsigned bin = counted_of_class(class);

	count = (uint32_t)(counted->tops[bin] - bottom_of(counted, bin));
	if (count > *left) {
		counted->stops[bin] = counted->tops[bin] - *left;
		counted->stopped[bin] = *counted->stops[bin];
		*counted->stops[bin] = NULL;
		count = *left;
	}
	*left -= count;
}

void counted_note_grown(struct counted *counted, unsigned class, uint32_t blocks)
{
	unsigned bin = counted_of_class(class);

	counted->grown[bin] = (uint16_t)(counted->grown[bin] + blocks);
	counted->grown_bytes += blocks * (size_t)size_class_table[class].size;
}

void counted_forget_grown(struct counted *counted, unsigned class)
{
	unsigned bin = counted_of_class(class);

	counted->grown_bytes -= counted->grown[bin] * (size_t)size_class_table[class].size;
	counted->grown[bin] = 0;
	counted->turns[bin] = COUNTED_TURNS;
}

void counted_count_back(struct counted *counted, unsigned class)
{
	unsigned bin = counted_of_class(class);
	void **from;

	if (bin == COUNTED_BINS || !counted->tops[bin])
		return;
	counted_forget_grown(counted, class);
	/* What lies below a stop was not counted. */
	from = counted->stopped[bin] ? counted->stops[bin] : bottom_of(counted, bin);
	counted->sampling.left[class] += (uint32_t)(counted->tops[bin] - from);
	counted_let_go(counted, class);
}

unsigned counted_take_out(struct counted *counted, unsigned class, void **blocks, unsigned most)
{
	unsigned bin = counted_of_class(class), taken = 0;

	if (bin == COUNTED_BINS || !counted->tops[bin])
		return 0;
	while (taken < most && counted->tops[bin] > bottom_of(counted, bin))
		blocks[taken++] = *counted->tops[bin]--;
	return taken;
}
