/* SPDX-License-Identifier: MIT */
/*
 * usage.c - see usage.h. It reads other threads' counts without stopping them.
 */
#include <config.h>

#include "control/usage.h"

#include <string.h>

#include "back/large.h"
#include "front/thread_cache.h"

/* Of counts that were read one after the other. */
static uint64_t not_below_zero(int64_t value)
{
	return value > 0 ? (uint64_t)value : 0;
}

static void RACY_READER usage_add_heap(struct heap *heap, void *argument)
{
	struct bin *bins = (struct bin *)heap->bins;
	struct usage_class *classes = argument;
	unsigned class;

	for (class = 0; class < CLASS_COUNT; class++) {
		const struct heap_count *count = &heap->counts[class];
		struct usage_class *of = &classes[class];

		of->slabs += heap_count_read(&count->slabs);
		of->with_room += heap->available[class].count - heap->available[class].empty;
		of->cached += thread_cache_bin_count(&bins[class]) +
			      counted_blocks(&thread_cache_of_heap(heap)->counted, class);
		of->free += heap_count_read(&count->free);
		of->untouched += heap_count_read(&count->untouched);
		of->samples += heap_count_read(&count->samples);
		of->asked += atomic_load_explicit(&count->asked, memory_order_relaxed);
	}
}

static void add_transit(struct heap *heap, void *argument)
{
	struct usage_class *classes = argument;
	unsigned class;

	for (class = 0; class < CLASS_COUNT; class++) {
		/* In this order, a block is never seen home before it left. */
		uint32_t received = heap_count_read(&heap->counts[class].received);

		classes[class].in_transit += heap_count_read(&heap->counts[class].sent) - received;
	}
}

static void work_out_live(struct usage_class *of, unsigned class)
{
	int64_t all = (int64_t)(of->slabs * size_class_table[class].capacity);

	/* Differences of counters that wrap at 32 bits; a negative one is of a moment. */
	of->in_transit = not_below_zero((int32_t)(uint32_t)of->in_transit);
	of->live = not_below_zero(all - (int64_t)(of->free + of->cached + of->in_transit));
}

void usage_read_classes(struct usage_class classes[CLASS_COUNT])
{
	unsigned class;

	memset(classes, 0, CLASS_COUNT * sizeof(classes[0]));
	heap_visit_all(add_transit, classes);
	heap_visit_all(usage_add_heap, classes);
	for (class = 0; class < CLASS_COUNT; class++) {
		classes[class].in_transit += heap_sent_by_nobody(class);
		work_out_live(&classes[class], class);
	}
}

void usage_read_heap(struct heap *heap, struct usage_class classes[CLASS_COUNT])
{
	unsigned class;

	memset(classes, 0, CLASS_COUNT * sizeof(classes[0]));
	usage_add_heap(heap, classes);
	for (class = 0; class < CLASS_COUNT; class++)
		work_out_live(&classes[class], class);
}

uint64_t usage_asked(unsigned class, const struct usage_class *of)
{
	uint64_t size = size_class_table[class].size;
	uint64_t below = class && class < CLASSES_BY_SIZE ? size_class_table[class - 1].size : size;

	if (!of->samples)
		return of->live * (size + below) / 2;
	return (uint64_t)((double)of->live * (double)of->asked / (double)of->samples);
}

void usage_read(struct usage *usage)
{
	struct usage_class classes[CLASS_COUNT];
	unsigned class;

	memset(usage, 0, sizeof(*usage));
	usage->opened = reservation_opened_bytes();
	usage->large_in_use = large_live_bytes(&usage->large_count);
	usage_read_classes(classes);
	for (class = 0; class < CLASS_COUNT; class++) {
		const struct size_class *of = &size_class_table[class];
		size_t idle = classes[class].free + classes[class].cached;

		usage->slabs += classes[class].slabs * of->units * UNIT_SIZE;
		usage->blocks_in_use +=
			(classes[class].live + classes[class].in_transit) * of->size;
		usage->free_count_of_class[class] = idle;
		usage->free_block_count += idle;
		usage->blocks_free += idle * of->size;
	}
}
