/* SPDX-License-Identifier: MIT */
/*
 * usage.c - see usage.h. It reads other threads' counts without stopping them.
 */
#include <config.h>

#include "entry/usage.h"

#include <string.h>

#include "back/large.h"
#include "back/superslab.h"
#include "front/thread_cache.h"

static void RACY_READER add_slab(struct usage *usage, uint32_t unit)
{
	const struct slab *slab = slab_unit(unit);
	const struct size_class *class;
	size_t free_blocks = slab->free_blocks;

	if (!atomic_load_explicit(&slab->heap, memory_order_relaxed) || slab->position != 0)
		return;
	class = slab_class(slab);
	usage->slabs += class->units * UNIT_SIZE;
	usage->blocks_in_use += (class->capacity - free_blocks) * class->size;
	usage->free_count_of_class[slab->class_mark - 1] += free_blocks;
}

static void RACY_READER add_cached(struct heap *heap, void *argument)
{
	const struct bin *bins = (const struct bin *)heap->bins;
	struct usage *usage = argument;
	unsigned class;

	for (class = 0; class < CLASS_COUNT; class++) {
		size_t count = thread_cache_bin_count(&bins[class]);

		usage->free_count_of_class[class] += count;
		usage->blocks_in_use -= count * size_class_table[class].size;
	}
}

void usage_read(struct usage *usage)
{
	uint32_t unit, units = superslab_count() * SUPERSLAB_UNITS;
	unsigned class;

	memset(usage, 0, sizeof(*usage));
	usage->opened = reservation_opened_bytes();
	usage->large_in_use = large_live_bytes(&usage->large_count);
	for (unit = 0; unit < units; unit++)
		add_slab(usage, unit);
	heap_visit_all(add_cached, usage);
	for (class = 0; class < CLASS_COUNT; class++) {
		usage->free_block_count += usage->free_count_of_class[class];
		usage->blocks_free += usage->free_count_of_class[class] *
				      size_class_table[class].size;
	}
}
