/* SPDX-License-Identifier: MIT */
/*
 * placement.c - see placement.h.
 */
#include <config.h>

#include "upkeep/placement.h"

#include <stdatomic.h>

#include "back/large_run.h"
#include "back/superslab.h"
#include "os/node.h"

#define TICK_NS			1000000000ull
#define SUPERSLABS_PER_CALL	(NODE_PAGES_MOST / SUPERSLAB_UNITS)
#define CALLS_PER_TICK		8

/* relaxed: counts */
static _Atomic size_t seen_bytes, misplaced_bytes[TOPOLOGY_HOMES_MAX], moved_bytes;

/* A survey on its way; the helper has one, and whoever looks at everything another. */
struct survey {
	uint32_t next;		/* superslab */
	size_t seen;		/* pages */
	size_t misplaced[TOPOLOGY_HOMES_MAX];
};

/* The helper's alone. */
static struct survey sampled;
static uint64_t sampled_ns;

/* The pages of a call, and where each should be. */
struct query {
	void *pages[NODE_PAGES_MOST];
	unsigned wanted[NODE_PAGES_MOST];
	unsigned count;
};

void placement_init(void)
{
	topology_init();
	if (!topology_has_homes())
		return;
	node_init();
	topology_begin_with(node_home());
	if (reservation.bytes)
		node_place((void *)reservation.base, reservation_end_bytes(), 0);
}

/* Free ones too: a slab that is taken there next should be at home. */
static uint32_t units_with_pages(uint32_t index, unsigned *home)
{
	const struct superslab *superslab = superslab_at(index);
	uint64_t word = atomic_load_explicit(&superslab->units, memory_order_relaxed);
	uint32_t populated = atomic_load_explicit(&superslab->populated, memory_order_relaxed);

	*home = atomic_load_explicit(&superslab->home, memory_order_relaxed);
	return populated & ~(uint32_t)(word >> 32);
}

/* What may have pages. Of large runs nothing is known without their lock: the kernel knows. */
static uint32_t interesting_units(uint32_t index, unsigned *home)
{
	if (large_run_read_home(index, home))
		return SUPERSLAB_ALL_UNITS;
	return index < superslab_count() ? units_with_pages(index, home) : 0;
}

static uint32_t end_of_heap(void)
{
	return (uint32_t)(reservation_end_bytes() >> SUPERSLAB_SHIFT);
}

static void add_first_pages(struct query *query, uint32_t index)
{
	unsigned home;
	uint32_t mask = interesting_units(index, &home);

	for (; mask; mask &= mask - 1) {
		unsigned unit = index * SUPERSLAB_UNITS + (unsigned)__builtin_ctz(mask);

		query->pages[query->count] = reservation_unit_start(unit);
		query->wanted[query->count++] = home;
	}
}

static void count_query(struct survey *survey, const struct query *query)
{
	int homes[NODE_PAGES_MOST];
	unsigned i;

	if (!query->count || node_query(query->pages, query->count, homes))
		return;
	for (i = 0; i < query->count; i++) {
		survey->seen += homes[i] >= 0;
		survey->misplaced[query->wanted[i]] +=
			homes[i] >= 0 && (unsigned)homes[i] != query->wanted[i];
	}
}

/* One call's worth. True: that was the last. */
static bool survey_some(struct survey *survey)
{
	uint32_t end = end_of_heap(), i;
	struct query query = { .count = 0 };

	for (i = 0; i < SUPERSLABS_PER_CALL && survey->next < end; i++)
		add_first_pages(&query, survey->next++);
	count_query(survey, &query);
	return survey->next >= end;
}

static void publish(const struct survey *survey)
{
	unsigned home;

	atomic_store_explicit(&seen_bytes, survey->seen * UNIT_SIZE, memory_order_relaxed);
	for (home = 0; home < topology.homes; home++)
		atomic_store_explicit(&misplaced_bytes[home], survey->misplaced[home] * UNIT_SIZE,
				      memory_order_relaxed);
}

void placement_survey(void)
{
	struct survey survey = { .next = 0 };

	if (!topology_has_homes())
		return;
	while (!survey_some(&survey))
		;
	publish(&survey);
}

uint64_t placement_tick(uint64_t now_ns)
{
	unsigned calls;

	if (!topology_has_homes())
		return UINT64_MAX;
	if (now_ns - sampled_ns < TICK_NS)
		return TICK_NS - (now_ns - sampled_ns);
	sampled_ns = now_ns;
	for (calls = 0; calls < CALLS_PER_TICK; calls++)
		if (survey_some(&sampled)) {
			publish(&sampled);
			sampled = (struct survey){ .next = 0 };
			break;
		}
	return TICK_NS;
}

bool placement_is_home(char *start, unsigned home)
{
	void *pages[SUPERSLAB_UNITS];
	int homes[SUPERSLAB_UNITS];
	unsigned i;

	if (!topology_has_homes())
		return true;
	for (i = 0; i < SUPERSLAB_UNITS; i++)
		pages[i] = start + i * UNIT_SIZE;
	if (node_query(pages, SUPERSLAB_UNITS, homes))
		return true;
	for (i = 0; i < SUPERSLAB_UNITS; i++)
		if (homes[i] >= 0 && (unsigned)homes[i] != home)
			return false;
	return true;
}

size_t placement_misplaced_bytes(unsigned home)
{
	return atomic_load_explicit(&misplaced_bytes[home], memory_order_relaxed);
}

void placement_read(struct placement_counts *read)
{
	unsigned home;

	read->seen = atomic_load_explicit(&seen_bytes, memory_order_relaxed);
	read->misplaced = 0;
	for (home = 0; home < topology.homes; home++)
		read->misplaced += placement_misplaced_bytes(home);
	read->moved = atomic_load_explicit(&moved_bytes, memory_order_relaxed);
}

/* Leaves in pages those that are elsewhere; returns how many. */
static unsigned keep_misplaced(void **pages, unsigned count, unsigned home)
{
	int homes[NODE_PAGES_MOST];
	unsigned i, kept = 0;

	if (!count || node_query(pages, count, homes))
		return 0;
	for (i = 0; i < count; i++)
		if (homes[i] >= 0 && (unsigned)homes[i] != home)
			pages[kept++] = pages[i];
	return kept;
}

_Static_assert(SUPERSLAB_SIZE / ARCH_LEAST_PAGE_BYTES <= NODE_PAGES_MOST,
	       "a superslab is one call");

static unsigned bring_superslab_home(uint32_t index)
{
	unsigned home;
	uint32_t mask = interesting_units(index, &home);
	void *pages[NODE_PAGES_MOST];
	unsigned count = 0, moved = 0;
	size_t offset;

	for (; mask; mask &= mask - 1) {
		unsigned unit = index * SUPERSLAB_UNITS + (unsigned)__builtin_ctz(mask);

		for (offset = 0; offset < UNIT_SIZE; offset += ARCH_LEAST_PAGE_BYTES)
			pages[count++] = reservation_unit_start(unit) + offset;
	}
	count = keep_misplaced(pages, count, home);
	if (count)
		node_move(pages, count, home, &moved);
	return moved;
}

size_t placement_bring_home(void)
{
	uint32_t index, end = topology_has_homes() ? end_of_heap() : 0;
	size_t bytes = 0;

	for (index = 0; index < end; index++)
		bytes += bring_superslab_home(index) * ARCH_LEAST_PAGE_BYTES;
	atomic_fetch_add_explicit(&moved_bytes, bytes, memory_order_relaxed);
	return bytes;
}
