/* SPDX-License-Identifier: MIT */
/*
 * superslab_claim.c - see superslab_claim.h.
 */
#include <config.h>

#include "back/superslab_claim.h"

#include "back/charge.h"
#include "back/helper_link.h"
#include "back/stock.h"
#include "back/superslab.h"
#include "back/superslab_brought.h"
#include "back/superslab_list.h"
#include "support/invariant.h"

static uint32_t populated_of(uint32_t index)
{
	return atomic_load_explicit(&superslab_at(index)->populated, memory_order_relaxed);
}

/* Units that were away are free again. */
static void put_units(uint32_t index, uint32_t units)
{
	/* release: pairs with superslab_run_take_run; seq_cst besides: see index_stack.h */
	uint64_t before =
		atomic_fetch_xor(&superslab_at(index)->units, (uint64_t)units << 32 | units);

	/* They were away, and nobody's. */
	INVARIANT((before >> 32 & units) == units && !((uint32_t)before & units));
	superslab_list_note(index);
}

/*
 * Two words: before the units are ours another may have released them and put them back, which
 * their word does not show. Only from then on does what the second word says of them hold.
 */
uint32_t superslab_claim(uint32_t index, uint32_t wanted)
{
	struct superslab *superslab = superslab_at(index);
	uint64_t word = atomic_load_explicit(&superslab->units, memory_order_relaxed);
	uint32_t claimed, bare;

	do {
		claimed = (uint32_t)word & wanted & populated_of(index);
		if (!claimed)
			return 0;
		/* acquire: pairs with superslab_put_slab; its writes come before the release */
	} while (!atomic_compare_exchange_weak_explicit(&superslab->units, &word,
							(word & ~(uint64_t)claimed) |
								(uint64_t)claimed << 32,
							memory_order_acquire,
							memory_order_relaxed));
	bare = claimed & ~populated_of(index);
	if (bare)
		put_units(index, bare);
	return claimed & ~bare;
}

bool superslab_claim_all(uint32_t index, uint32_t wanted)
{
	uint32_t claimed = superslab_claim(index, wanted);

	if (claimed && claimed != wanted)
		superslab_claim_put(index, claimed, 0);
	return claimed == wanted;
}

/* A bare superslab becomes the helper's, which arms it. It stays in its list meanwhile. */
static bool retire(uint32_t index)
{
	unsigned home = superslab_at(index)->home;

	if (!helper_link_is_running() || stock_length(home, STOCK_RETIRED) == STOCK_SLOTS)
		return false;
	atomic_store_explicit(&superslab_at(index)->units, 0, memory_order_relaxed);
	if (stock_push(home, STOCK_RETIRED, index))
		return true;
	atomic_store_explicit(&superslab_at(index)->units, (uint64_t)SUPERSLAB_ALL_UNITS << 32,
			      memory_order_relaxed);
	return false;
}

void superslab_claim_put(uint32_t index, uint32_t claimed, uint32_t released)
{
	struct superslab *superslab = superslab_at(index);

	INVARIANT(!(released & ~claimed));
	/* What the kernel refused is as if it were put now: it is tried again, later. */
	if (claimed & ~released)
		atomic_fetch_or_explicit(&superslab->touched, claimed & ~released,
					 memory_order_relaxed);
	atomic_fetch_and_explicit(&superslab->populated, ~released, memory_order_relaxed);
	charge_note_populated(-__builtin_popcount(released));
	atomic_fetch_and_explicit(&superslab->dirty, ~released, memory_order_relaxed);
	superslab_brought_drop(index, released);
	if (claimed == SUPERSLAB_ALL_UNITS && released == SUPERSLAB_ALL_UNITS && retire(index))
		return;
	put_units(index, claimed);
	if (claimed & ~released)
		superslab_note_idle(index);
}
