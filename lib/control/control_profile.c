/* SPDX-License-Identifier: MIT */
/*
 * control_profile.c - see control_profile.h.
 */
#include <config.h>

#include "control/control_profile.h"

#include "back/large.h"
#include "middle/slab.h"
#include "os/process.h"
#include "profile/profile.h"
#include "profile/sample_table.h"
#include "profile/sampling.h"
#include "profile/stack_table.h"
#include "support/options.h"
#include "support/page_size.h"
#include "upkeep/profiling.h"

uint16_t control_profile_change(const struct control_profile *request, const char **cause)
{
	switch (request->action) {
	case CONTROL_PROFILE_ASK:
		return 0;
	case CONTROL_PROFILE_STOP:
		options.profile_bytes = SIZE_MAX;
		break;
	case CONTROL_PROFILE_START:
		if (request->interval_bytes > PROFILE_INTERVAL_MOST) {
			*cause = "an interval of 1 TiB at most";
			return CONTROL_BAD_VALUE;
		}
		options.profile_bytes = request->interval_bytes ? request->interval_bytes :
								  PROFILE_INTERVAL;
		break;
	default:
		*cause = "an unknown action";
		return CONTROL_BAD_VALUE;
	}
	*cause = profiling_follow();
	return *cause ? CONTROL_NOT_SUPPORTED : 0;
}

void control_profile_read(struct control_profile *profile)
{
	struct sample_copy sample;
	uint32_t place;

	*profile = (struct control_profile){
		.interval_bytes = atomic_load_explicit(&profile_state.interval_bytes,
						       memory_order_relaxed),
		.begun_ns = atomic_load_explicit(&profile_state.begun_ns, memory_order_relaxed),
		.ended_ns = atomic_load_explicit(&profile_state.ended_ns, memory_order_relaxed),
		.now_ns = process_now_ns(),
		.stacks = stack_table_stacks(),
		.dropped_stacks = stack_table_dropped(),
		.dropped_samples = sample_table_dropped(),
	};
	for (place = 0; place < sample_table_places(); place++)
		profile->samples += sample_table_read(place, &sample);
}

uint32_t control_profile_count_stacks(void)
{
	return stack_table_stacks();
}

static void fill_stack(struct control_stack *row, uint32_t number)
{
	const uint64_t *frames;
	const struct call_stack_record *stack = stack_table_read(number, &frames);
	uint32_t i;

	*row = (struct control_stack){ .number = number };
	if (!stack)
		return;
	row->depth = number ? stack->depth : 0;
	row->objects = atomic_load_explicit(&stack->objects, memory_order_relaxed);
	row->bytes = atomic_load_explicit(&stack->bytes, memory_order_relaxed);
	row->samples = atomic_load_explicit(&stack->samples, memory_order_relaxed);
	for (i = 0; i < row->depth; i++)
		row->frames[i] = frames[i];
}

uint32_t control_profile_fill_stacks(void *rows, uint32_t first, uint32_t most)
{
	struct control_stack *row = rows;
	uint32_t i;

	for (i = 0; i < most; i++)
		fill_stack(&row[i], first + i);
	return i;
}

/* Blocks that are neither free in the slab nor only beside the page. */
static unsigned RACY_READER live_on_page(const struct slab *slab, size_t size, size_t page)
{
	size_t index = page / size, end = (page + page_size() - 1) / size + 1;
	unsigned live = 0;

	for (; index < end && index < slab_class(slab)->capacity; index++)
		live += !(slab->free_bits[index / 64] >> index % 64 & 1);
	return live;
}

/* Its share of the pages that it lies on: what would go back if all that is live there went. */
static uint64_t pinned_in_slab(const void *block)
{
	uint32_t unit = reservation_unit_of(block), first = slab_first_unit(unit);
	const struct slab *slab = slab_unit(first);
	unsigned mark = slab->class_mark;
	size_t size, offset, page;
	uint64_t bytes = 0;

	if (!mark || mark > CLASS_COUNT)
		return 0;
	size = size_class_table[mark - 1].size;
	offset = (size_t)((const char *)block - reservation_unit_start(first)) / size * size;
	for (page = offset & ~(page_size() - 1); page < offset + size; page += page_size()) {
		unsigned live = live_on_page(slab, size, page);

		bytes += page_size() / (live ? live : 1);
	}
	return bytes;
}

static bool RACY_READER is_large(uintptr_t block)
{
	return reservation.bin_of_unit[reservation_unit_of((void *)block)] == reservation.nobody;
}

static void fill_sample(struct control_sample *row, const struct sample_copy *sample)
{
	size_t bytes = sample->asked_bytes;

	*row = (struct control_sample){ .block = sample->block, .asked_bytes = bytes,
					.objects = sample->objects, .born_ns = sample->born_ns,
					.stack = sample->stack };
	if (is_large(sample->block))
		row->held_bytes = row->pinned_bytes = align_up(bytes, page_size());
	else {
		row->held_bytes = slab_block_bytes(sample->block - reservation.base);
		row->pinned_bytes = pinned_in_slab((void *)sample->block);
	}
	/* It stands for others as its twin does; where it is itself it pins its own page, once. */
	if (sample->twin && sample->objects)
		row->pinned_bytes = pinned_in_slab(sample->twin) +
				    row->pinned_bytes * SAMPLING_UNIT / sample->objects;
}

uint32_t control_profile_count_samples(void)
{
	return sample_table_places();
}

uint32_t control_profile_fill_samples(void *rows, uint32_t first, uint32_t most)
{
	struct control_sample *row = rows;
	struct sample_copy sample;
	uint32_t i;

	for (i = 0; i < most; i++) {
		row[i] = (struct control_sample){ .block = 0 };
		if (sample_table_read(first + i, &sample))
			fill_sample(&row[i], &sample);
	}
	return i;
}
