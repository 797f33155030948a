/* SPDX-License-Identifier: MIT */
/*
 * See outside.h: which resident pages of slabs hold something live. Slabs have a bitmap of their
 * free blocks in a record beside the heap; it is read from outside, superslab by superslab.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "hakctl/client/memory_map.h"
#include "hakctl/output/message.h"
#include "hakctl/client/outside_heaps.h"
#include "hakctl/client/remote.h"
#include "middle/slab.h"
#include "support/page_size.h"

enum { MOST_SUPERSLABS = 1 << 24 };

struct range {
	uint64_t start, end;
};

/* Resident, ascending. */
struct ranges {
	struct range *list;
	size_t count, room, at; /* at: where the last search ended */
};

struct pins_search {
	struct outside_pins *pins;
	struct ranges present;
	uint64_t base;
};

static void note_present(uint64_t start, uint64_t end, bool huge, void *argument)
{
	struct ranges *ranges = argument;

	(void)huge;
	if (ranges->count && ranges->list[ranges->count - 1].end == start) {
		ranges->list[ranges->count - 1].end = end;
		return;
	}
	if (ranges->count == ranges->room) {
		ranges->room = ranges->room ? 2 * ranges->room : 256;
		ranges->list = realloc(ranges->list, ranges->room * sizeof(*ranges->list));
		if (!ranges->list)
			message_out_of_memory();
	}
	ranges->list[ranges->count++] = (struct range){ start, end };
}

/* Addresses are asked for in ascending order. */
static bool is_present(struct ranges *ranges, uint64_t address)
{
	while (ranges->at < ranges->count && ranges->list[ranges->at].end <= address)
		ranges->at++;
	return ranges->at < ranges->count && ranges->list[ranges->at].start <= address;
}

static bool is_free(const struct slab *slab, unsigned block)
{
	return slab->free_bits[block / 64] >> block % 64 & 1;
}

/*
 * Bytes of the page that blocks have which are not free in the slab. from: of the page, in the
 * slab.
 */
static uint64_t live_bytes(const struct slab *slab, const struct size_class *class, uint64_t from,
			   uint64_t bytes)
{
	uint64_t to = from + bytes, live = 0;

	for (uint64_t block = from / class->size; block < class->capacity; block++) {
		uint64_t start = block * class->size, end = start + class->size;

		if (start >= to)
			break;
		if (!is_free(slab, (unsigned)block))
			live += (end < to ? end : to) - (start > from ? start : from);
	}
	return live;
}

static void add_slab(struct pins_search *search, const struct slab *slab, uint64_t start)
{
	const struct size_class *class = &size_class_table[slab->class_mark - 1u];
	uint64_t page_bytes = page_size();

	for (uint64_t at = 0; at < class->units * UNIT_SIZE; at += page_bytes) {
		uint64_t live;

		if (!is_present(&search->present, start + at))
			continue;
		live = live_bytes(slab, class, at, page_bytes);
		if (!live)
			search->pins->empty_bytes += page_bytes;
		else if (live < page_bytes)
			search->pins->pinned_pages++,
				search->pins->pinned_bytes += page_bytes - live;
	}
}

/* A torn record tells less: whatever is read is held against what it can be. */
static void add_superslab(struct pins_search *search, const struct superslab *superslab,
			  uint32_t index)
{
	uint64_t units = atomic_load_explicit(&superslab->units, memory_order_relaxed);
	uint32_t taken = ~(uint32_t)units & ~(uint32_t)(units >> 32);

	for (unsigned unit = 0; unit < SUPERSLAB_UNITS; unit++) {
		const struct slab *slab = (const void *)&superslab->records[unit];

		if (!(taken >> unit & 1) || slab->position ||
		    !atomic_load_explicit(&slab->heap, memory_order_relaxed) || !slab->class_mark ||
		    slab->class_mark > CLASS_COUNT)
			continue;
		add_slab(search, slab,
			 search->base + index * (uint64_t)SUPERSLAB_SIZE + unit * UNIT_SIZE);
	}
}

bool outside_find_pins(const struct outside *outside, struct outside_pins *pins)
{
	static struct superslab superslab;
	struct pins_search search = { .pins = pins };
	struct reservation space;
	uint32_t count = 0;
	bool done;

	*pins = (struct outside_pins){ .pinned_pages = 0 };
	size_class_init();
	if (!remote_read(outside->process, outside_heaps_address(outside->outline.reservation),
			 &space, sizeof(space)) ||
	    !remote_read(outside->process, outside_heaps_address(outside->outline.superslabs),
			 &count, sizeof(count)) ||
	    count > MOST_SUPERSLABS)
		return false;
	search.base = space.base;
	done = memory_map_scan(outside->process, space.base,
			       space.base + count * (uint64_t)SUPERSLAB_SIZE, note_present,
			       &search.present);
	for (uint32_t index = 0; done && index < count; index++) {
		done = !outside_is_late(outside);
		if (done &&
		    remote_read(outside->process,
				outside_heaps_address(space.anchor) -
					(index + 1) * (uint64_t)SUPERSLAB_RECORD_BYTES,
				&superslab, sizeof(superslab)))
			add_superslab(&search, &superslab, index);
	}
	free(search.present.list);
	return done;
}
