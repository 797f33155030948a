/* SPDX-License-Identifier: MIT */
/*
 * quarantine.c - see quarantine.h.
 */
#include <config.h>

#include "front/quarantine.h"

#include <string.h>

#include "front/canary.h"
#include "support/log.h"

#define DRAWN_BITS	40	/* of a number that belongs to one quarantine */

void quarantine_begin(struct quarantine *quarantine, uint64_t number)
{
	quarantine->drawn = number << DRAWN_BITS;
}

/* A hash has two. */
uint32_t quarantine_random(struct quarantine *quarantine)
{
	quarantine->random >>= 32;
	if (!quarantine->random)
		quarantine->random = keyed_hash(&canary_keys.place, quarantine->drawn++);
	return (uint32_t)quarantine->random ? (uint32_t)quarantine->random : 1;
}

void quarantine_push(struct quarantine *quarantine, void *block, uint32_t bytes, uint64_t canary)
{
	uint32_t place = (quarantine->oldest + quarantine->count++) % QUARANTINE_BLOCKS;

	quarantine->blocks[place] = block;
	quarantine->sizes[place] = bytes;
	quarantine->canaries[place] = canary;
	quarantine->bytes += bytes;
}

/* A line at a time: without a jump for each word. */
static bool is_zero(const void *block, size_t bytes)
{
	const uint64_t *word = block, *end = word + bytes / sizeof(*word);
	uint64_t any = 0;

	for (; end - word >= 8; word += 8)
		if (word[0] | word[1] | word[2] | word[3] | word[4] | word[5] | word[6] | word[7])
			return false;
	while (word < end)
		any |= *word++;
	return !any;
}

static void NORETURN explain_write(const void *block, uint32_t bytes)
{
	log_fatal("write after free to the block at %p (size class %u)", block, bytes);
}

static uint64_t found_in(void *block, uint32_t bytes)
{
	return atomic_load_explicit(canary_of(block, bytes), memory_order_relaxed);
}

static void verify(void *block, uint32_t bytes, uint64_t canary)
{
	if (unlikely(!is_zero(block, bytes - CANARY_BYTES) || found_in(block, bytes) != canary))
		explain_write(block, bytes);
}

void quarantine_check_again(void *block, uint32_t bytes, uint64_t canary)
{
	uint64_t found = found_in(block, bytes);

	if (unlikely(!is_zero(block, bytes - CANARY_BYTES) || (found && found != canary)))
		explain_write(block, bytes);
}

/* Changes the oldest for one of the older half, so that the order cannot be foreseen. */
static void shuffle(struct quarantine *quarantine)
{
	uint32_t among = quarantine->count / 2 + 1, oldest = quarantine->oldest;
	uint32_t other = (oldest + quarantine_random(quarantine) % among) %
			 QUARANTINE_BLOCKS;
	void *block = quarantine->blocks[oldest];
	uint32_t size = quarantine->sizes[oldest];
	uint64_t canary = quarantine->canaries[oldest];

	quarantine->blocks[oldest] = quarantine->blocks[other];
	quarantine->sizes[oldest] = quarantine->sizes[other];
	quarantine->canaries[oldest] = quarantine->canaries[other];
	quarantine->blocks[other] = block;
	quarantine->sizes[other] = size;
	quarantine->canaries[other] = canary;
}

void *quarantine_pop(struct quarantine *quarantine)
{
	uint32_t place;

	if (!quarantine->count)
		return NULL;
	shuffle(quarantine);
	place = quarantine->oldest;
	quarantine->oldest = (place + 1) % QUARANTINE_BLOCKS;
	quarantine->count--;
	quarantine->bytes -= quarantine->sizes[place];
	verify(quarantine->blocks[place], quarantine->sizes[place], quarantine->canaries[place]);
	return quarantine->blocks[place];
}

void *quarantine_pop_excess(struct quarantine *quarantine)
{
	if (quarantine->count < QUARANTINE_BLOCKS && quarantine->bytes < QUARANTINE_BYTES)
		return NULL;
	return quarantine_pop(quarantine);
}
