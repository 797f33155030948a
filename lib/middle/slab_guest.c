/* SPDX-License-Identifier: MIT */
/*
 * slab_guest.c - see slab_guest.h.
 */
#include <config.h>

#include "middle/slab_guest.h"

#include <string.h>

#include "support/invariant.h"

static uint64_t *tails_of(struct slab *slab)
{
	return slab->free_bits + SLAB_TAIL_WORD;
}

/* Of the bits from index on, up to end, those in the word of index. */
static uint64_t mask_in_word(unsigned index, unsigned end)
{
	uint64_t mask = ~(uint64_t)0 << index % 64;

	return end / 64 > index / 64 ? mask : mask & (((uint64_t)1 << end % 64) - 1);
}

static void set_bits(uint64_t *words, unsigned index, unsigned end)
{
	for (; index < end; index = (index / 64 + 1) * 64)
		words[index / 64] |= mask_in_word(index, end);
}

static void clear_bits(uint64_t *words, unsigned index, unsigned end)
{
	for (; index < end; index = (index / 64 + 1) * 64)
		words[index / 64] &= ~mask_in_word(index, end);
}

/*
 * The first index from index on whose bit is clear, or end. The marks of a block that lives do not
 * change; those of others in a word may.
 */
static unsigned RACY_READER next_clear(const uint64_t *words, unsigned index, unsigned end)
{
	while (index < end) {
		uint64_t bits = ~words[index / 64] >> index % 64;

		if (bits)
			return (unsigned)min_size(index + (unsigned)__builtin_ctzll(bits), end);
		index = (index / 64 + 1) * 64;
	}
	return end;
}

/*
 * Of two words, low first: the bits of the low one from which on length bits are set, 64 at most.
 * Each turn doubles how many are known to be: half of what a run needs lies behind the other half.
 */
static uint64_t starts_of_runs(uint64_t low, uint64_t high, unsigned length)
{
	unsigned known, step;

	for (known = 1; known < length && low; known += step) {
		step = known < length - known ? known : length - known;
		low &= step < 64 ? low >> step | high << (64 - step) : high;
		high &= step < 64 ? high >> step : 0;
	}
	return low;
}

/* The first index from index on with so many set bits, all below end; end: there is none. */
static unsigned slab_guest_find_run(const uint64_t *words, unsigned index, unsigned end,
				    unsigned length)
{
	unsigned word, run_end;
	uint64_t starts;

	while (index + length <= end) {
		word = index / 64;
		starts = starts_of_runs(words[word] & ~(uint64_t)0 << index % 64,
					(word + 1) * 64 < end ? words[word + 1] : 0,
					(unsigned)min_size(length, 64));
		if (!starts) {
			index = (word + 1) * 64;
			continue;
		}
		index = word * 64 + (unsigned)__builtin_ctzll(starts);
		run_end = next_clear(words, index, end);
		if (run_end - index >= length)
			return index;
		index = run_end;
	}
	return end;
}

/* The end of the guest, or block, that begins at the index. */
static unsigned slab_guest_end_of(const struct slab *slab, unsigned index)
{
	return next_clear(slab->free_bits + SLAB_TAIL_WORD, index + 1, slab_class(slab)->capacity);
}

bool RACY_READER slab_guest_has_tail_at(const struct slab *slab, unsigned index)
{
	return slab->free_bits[SLAB_TAIL_WORD + index / 64] >> index % 64 & 1;
}

unsigned slab_guest_head(const struct slab *slab, unsigned index)
{
	while (slab_guests(slab) && slab_guest_has_tail_at(slab, index))
		index--;
	return index;
}

size_t slab_guest_bytes(const struct slab *slab, unsigned index)
{
	if (slab_guest_has_tail_at(slab, index))
		return 0;
	return (size_t)(slab_guest_end_of(slab, index) - index) * slab_class(slab)->size;
}

/* What was there before belongs to another class. */
static void begin_marks(struct slab *slab)
{
	memset(tails_of(slab), 0, (slab_class(slab)->capacity + 63u) / 64 * sizeof(uint64_t));
}

static void slab_guest_note_taken(struct slab *slab, unsigned taken, unsigned length)
{
	slab->combed = 0;
	slab->holes = 0;
	slab->free_blocks = (uint16_t)(slab->free_blocks - taken * length);
	atomic_store_explicit(&slab->guests, (uint16_t)(slab_guests(slab) + taken),
			      memory_order_relaxed);
}

unsigned slab_guest_take(struct slab *slab, uint32_t first, void **blocks, unsigned count,
			 unsigned length)
{
	char *start = reservation_unit_start(first);
	unsigned index = slab->first_word * 64u, taken = 0;

	INVARIANT(slab_guest_may_be_in(slab_class(slab)) && length > 1);
	if (slab->free_blocks < length || (slab->no_run && length >= slab->no_run))
		return 0;
	if (!slab_guests(slab))
		begin_marks(slab);
	while (taken < count) {
		index = slab_guest_find_run(slab->free_bits, index, slab->untouched_from, length);
		if (index == slab->untouched_from)
			break;
		set_bits(tails_of(slab), index + 1, index + length);
		clear_bits(slab->free_bits, index, index + length);
		blocks[taken++] = start + (size_t)index * slab_class(slab)->size;
		index += length;
	}
	if (taken < count)
		slab->no_run = (uint16_t)length;
	if (taken)
		slab_guest_note_taken(slab, taken, length);
	return taken;
}

unsigned slab_guest_put_tail(struct slab *slab, unsigned index)
{
	unsigned end = slab_guest_end_of(slab, index);

	if (end == index + 1)
		return 0;
	clear_bits(tails_of(slab), index + 1, end);
	set_bits(slab->free_bits, index + 1, end);
	atomic_store_explicit(&slab->guests, (uint16_t)(slab_guests(slab) - 1),
			      memory_order_relaxed);
	return end - index - 1;
}

void slab_guest_forget_free(struct slab *slab)
{
	memset(slab->free_bits, 0,
	       (slab_guests(slab) ? SLAB_TAIL_WORD : SLAB_BLOCKS_MAX / 64) * sizeof(uint64_t));
}
