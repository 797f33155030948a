/* SPDX-License-Identifier: MIT */
/* See outside_heaps.h. */
#include <config.h>

#include "hakctl/client/outside_heaps.h"

#include "hakctl/client/remote.h"

/* More of them, and what was read makes no sense. */
enum { MOST_HEAPS = 1 << 18 };

static void add_bins(const struct thread_cache *cache, struct outside_sum *sums)
{
	for (unsigned class = 0; class < CLASS_COUNT; class++) {
		uint64_t top = outside_heaps_address(cache->bins[class].top);
		uint64_t bottom = outside_heaps_address(cache->seized.taken[class]);

		if (!bottom)
			bottom = outside_heaps_address(cache->slots[class].array) +
				 cache->slots[class].bottom * sizeof(void *);
		/* The array may just have changed. */
		if (top >= bottom && (top - bottom) / sizeof(void *) <= BIN_ARRAY_MOST)
			sums[class].cached += (top - bottom) / sizeof(void *);
	}
}

void outside_heaps_add(const struct thread_cache *cache, struct outside_sum *sums,
		     struct control_ledger *ledger)
{
	uint32_t hold = atomic_load_explicit(&cache->heap.hold, memory_order_relaxed);

	ledger->heaps++;
	ledger->threads += hold == HEAP_OWNED || hold == HEAP_SEIZED || hold == HEAP_RESTING;
	for (unsigned class = 0; class < CLASS_COUNT; class++) {
		const struct heap_count *count = &cache->heap.counts[class];

		sums[class].slabs += heap_count_read(&count->slabs);
		sums[class].free += heap_count_read(&count->free);
		sums[class].untouched += heap_count_read(&count->untouched);
		sums[class].samples += heap_count_read(&count->samples);
		sums[class].asked += atomic_load_explicit(&count->asked, memory_order_relaxed);
		sums[class].sent += heap_count_read(&count->sent);
		sums[class].received += heap_count_read(&count->received);
		ledger->remote_frees += heap_count_read(&count->sent);
	}
	add_bins(cache, sums);
}

bool outside_heaps_visit(const struct outside *outside,
			 void (*visit)(const struct thread_cache *cache, void *argument),
			 void *argument)
{
	static struct thread_cache cache;
	const struct heap *next;
	unsigned count = 0;

	if (!remote_read(outside->process, outside_heaps_address(outside->outline.newest_heap),
			 &next, sizeof(next)))
		return false;
	for (; next; next = cache.heap.next) {
		uint64_t at = outside_heaps_address(next) - offsetof(struct thread_cache, heap);

		if (count++ == MOST_HEAPS || outside_is_late(outside) ||
		    !remote_read(outside->process, at, &cache, sizeof(cache)))
			return false;
		visit(&cache, argument);
	}
	return true;
}
