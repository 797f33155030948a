/* SPDX-License-Identifier: MIT */
/*
 * arrivals.c - see arrivals.h. What comes home will be handed out soon, and was elsewhere: the
 * first lines of blocks are asked for, and not read.
 */
#include <config.h>

#include "front/arrivals.h"

#include "middle/remote_free.h"

#define MESSAGES_MOST	4

static bool has_room(const struct arrivals *to, unsigned class)
{
	struct bin *bin = &to->bins[class];

	return likely(bin->top < bin->full) ||
	       bin_make_room(bin, &to->slots[class], to->limits[class], to->slot_pool);
}

/* Blocks of whatever bins: into these, where there is room; else into slabs. */
static void take_each(const struct arrivals *to, void *const *blocks, unsigned count)
{
	unsigned i, class, others_count = 0;
	void *others[REMOTE_BLOCKS];

	for (i = 0; i < count; i++) {
		fetch_to_write(blocks[i]);
		class = (unsigned)(bin_of_block(blocks[i]) - to->bins);
		if (unlikely(class == CLASS_COUNT)) {	/* of a slab with guests */
			heap_note_block_received(to->heap, blocks[i]);
			others[others_count++] = blocks[i];
			continue;
		}
		heap_count_add(&to->heap->counts[class].received, 1);
		if (has_room(to, class))
			bin_push(&to->bins[class], blocks[i]);
		else
			others[others_count++] = blocks[i];
	}
	heap_put_blocks(to->heap, others, others_count);
}

/* The same, all of one bin. */
static void take_alike(const struct arrivals *to, unsigned class, void *const *blocks,
		       unsigned count)
{
	struct bin *bin = &to->bins[class];
	unsigned some;

	heap_count_add(&to->heap->counts[class].received, count);
	for (; count && has_room(to, class); count -= some, blocks += some) {
		some = (unsigned)min_size(count, (size_t)(bin->full - bin->top));
		bin_push_some(bin, blocks, some);
	}
	heap_put_blocks(to->heap, blocks, count);
}

/*
 * Whether all lead to this bin; of what is marked none does. Without a jump for each block, which
 * would be guessed wrong.
 */
static bool are_of(const struct bin *bin, void *const *blocks, unsigned count)
{
	struct bin *const *bins = (struct bin *const *)reservation.bin_of_unit;
	uintptr_t base = reservation.base, differ = 0;
	unsigned i;

	if (bin_of_block(blocks[count / 2]) != bin)
		return false;
	for (i = 1; i < count; i++)
		differ |= (uintptr_t)bins[((uintptr_t)blocks[i] - base) >> UNIT_SHIFT] ^
			  (uintptr_t)bin;
	return !differ;
}

static void arrivals_take(const struct arrivals *to, const struct remote_message *message)
{
	unsigned count = (unsigned)message->count;
	struct bin *bin = bin_of_block(message->blocks[0]);

	if (bin != &to->bins[CLASS_COUNT] && are_of(bin, message->blocks, count))
		take_alike(to, (unsigned)(bin - to->bins), message->blocks, count);
	else
		take_each(to, message->blocks, count);
}

void NOINLINE arrivals_read(const struct arrivals *to, const struct bin *wanted, bool all)
{
	struct remote_returns returns = { .first = NULL };
	struct remote_message *message;
	unsigned i;

	for (i = 0; i < MESSAGES_MOST && (message = remote_free_receive(to->heap)); i++) {
		arrivals_take(to, message);
		remote_free_return(&returns, message);
		if (!all && bin_newest(wanted) && wanted->top >= wanted->full)
			break;
	}
	remote_free_return_all(&returns);
}
