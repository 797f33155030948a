/* SPDX-License-Identifier: MIT */
/*
 * stock.c - see stock.h.
 */
#include <config.h>

#include "back/stock.h"

#include <stdatomic.h>

#include "os/topology.h"
#include "support/compiler.h"

struct store {
	_Atomic uint32_t slots[STOCK_SLOTS];	/* links; 0: empty */
	_Atomic uint32_t length;		/* relaxed: a hint, at times one off */
} CACHE_ALIGNED;

/* Pages of homes that the machine has not are never touched. */
static struct store stores[TOPOLOGY_HOMES_MAX][STOCK_KINDS] SPARSE;

static struct {
	_Atomic uint64_t fresh;			/* next << 32 | end; values never come back */
	_Atomic uint32_t taken, missed;		/* relaxed: counts */
} homes[TOPOLOGY_HOMES_MAX];

bool stock_push(unsigned home, enum stock_kind kind, uint32_t superslab)
{
	struct store *store = &stores[home][kind];
	unsigned i;

	for (i = 0; i < STOCK_SLOTS; i++) {
		uint32_t empty = 0;

		/* release: pairs with the acquire in stock_pop; the pages come with the index */
		if (atomic_compare_exchange_strong_explicit(
			    &store->slots[i], &empty, index_to_link(superslab),
			    memory_order_release, memory_order_relaxed)) {
			atomic_fetch_add_explicit(&store->length, 1, memory_order_relaxed);
			return true;
		}
	}
	return false;
}

uint32_t stock_pop(unsigned home, enum stock_kind kind)
{
	struct store *store = &stores[home][kind];
	unsigned i;

	if (!atomic_load_explicit(&store->length, memory_order_relaxed))
		return SUPERSLAB_NONE;
	for (i = 0; i < STOCK_SLOTS; i++) {
		uint32_t found;

		if (!atomic_load_explicit(&store->slots[i], memory_order_relaxed))
			continue;
		/* acquire: pairs with the release in stock_push */
		found = atomic_exchange_explicit(&store->slots[i], 0, memory_order_acquire);
		if (found) {
			atomic_fetch_sub_explicit(&store->length, 1, memory_order_relaxed);
			return index_from_link(found);
		}
	}
	return SUPERSLAB_NONE;
}

unsigned stock_length(unsigned home, enum stock_kind kind)
{
	uint32_t length = atomic_load_explicit(&stores[home][kind].length, memory_order_relaxed);

	/* A pop may be counted before the push that it took from. */
	return length <= STOCK_SLOTS ? length : 0;
}

uint32_t stock_look(unsigned home, enum stock_kind kind, unsigned slot)
{
	return index_from_link(atomic_load_explicit(&stores[home][kind].slots[slot],
						    memory_order_relaxed));
}

void stock_set_fresh(unsigned home, uint32_t first, uint32_t end, uint32_t *old_first,
		     uint32_t *old_end)
{
	uint64_t old = atomic_load_explicit(&homes[home].fresh, memory_order_acquire),
		 range;

	do {
		range = (uint64_t)first << 32 | end;
		if ((uint32_t)old == first)
			range = (old & ~(uint64_t)UINT32_MAX) | end;
		/*
		 * release: pairs with the acquire in stock_take_fresh; the range was opened before
		 */
	} while (!atomic_compare_exchange_weak_explicit(&homes[home].fresh, &old, range,
							memory_order_acq_rel,
							memory_order_acquire));
	*old_end = (uint32_t)old;
	*old_first = *old_end == first ? first : (uint32_t)(old >> 32);
}

uint32_t stock_take_fresh(unsigned home, uint32_t count, uint32_t *first)
{
	uint64_t range = atomic_load_explicit(&homes[home].fresh, memory_order_acquire), rest;

	do {
		uint32_t next = (uint32_t)(range >> 32), end = (uint32_t)range;

		if (count > end - next)
			count = end - next;
		if (!count)
			return 0;
		*first = next;
		rest = (uint64_t)(next + count) << 32 | end;
		/* acquire: pairs with the release in stock_set_fresh */
	} while (!atomic_compare_exchange_weak_explicit(
		&homes[home].fresh, &range, rest, memory_order_acquire, memory_order_acquire));
	return count;
}

void stock_read_fresh(unsigned home, uint32_t *first, uint32_t *end)
{
	uint64_t range = atomic_load_explicit(&homes[home].fresh, memory_order_acquire);

	*first = (uint32_t)(range >> 32);
	*end = (uint32_t)range;
}

void stock_note_taken(unsigned home, bool was_missed)
{
	atomic_fetch_add_explicit(&homes[home].taken, 1, memory_order_relaxed);
	if (was_missed)
		atomic_fetch_add_explicit(&homes[home].missed, 1, memory_order_relaxed);
}

struct stock_demand stock_read_demand(unsigned home)
{
	return (struct stock_demand){
		.taken = atomic_load_explicit(&homes[home].taken, memory_order_relaxed),
		.missed = atomic_load_explicit(&homes[home].missed, memory_order_relaxed),
	};
}
