/* SPDX-License-Identifier: MIT */
/*
 * stats.c - counters by name, for hakmem.h.
 */
#include <config.h>

#include <string.h>

#include <hakmem/hakmem.h>

#include "back/placement.h"
#include "back/populate_ahead.h"
#include "back/release.h"
#include "back/stock.h"
#include "back/superslab.h"
#include "entry/helper.h"
#include "os/topology.h"

static size_t read_ahead(size_t offset)
{
	struct populate_ahead_counts counts;
	size_t value;

	populate_ahead_read(&counts);
	memcpy(&value, (const char *)&counts + offset, sizeof(value));
	return value;
}

static size_t read_release(size_t offset)
{
	struct release_counts counts;
	size_t value;

	release_read(&counts);
	memcpy(&value, (const char *)&counts + offset, sizeof(value));
	return value;
}

static size_t unarmed(size_t unused)
{
	(void)unused;
	return stock_read_demand(0).missed * SUPERSLAB_SIZE;
}

static size_t taken_ahead(size_t unused)
{
	struct stock_demand demand = stock_read_demand(0);

	(void)unused;
	return (demand.taken - demand.missed) * SUPERSLAB_SIZE;
}

static size_t homes(size_t unused)
{
	(void)unused;
	return topology.homes;
}

static size_t misplaced(size_t unused)
{
	struct placement_counts counts;

	(void)unused;
	/* Who asks wants to know it now. */
	placement_survey();
	placement_read(&counts);
	return counts.misplaced;
}

static size_t spilled(size_t unused)
{
	(void)unused;
	return superslab_spilled_bytes();
}

static size_t brought_home(size_t unused)
{
	struct placement_counts counts;

	(void)unused;
	placement_read(&counts);
	return counts.moved;
}

static size_t wakeups(size_t unused)
{
	(void)unused;
	return helper_wakeups();
}

#define AHEAD(field)	offsetof(struct populate_ahead_counts, field), read_ahead
#define RELEASE(field)	offsetof(struct release_counts, field), read_release

static const struct counter {
	const char *name;
	size_t offset;		/* of what read fills in */
	size_t (*read)(size_t offset);
} counters[] = {
	{ "populate.moved_bytes", AHEAD(moved) },
	{ "populate.copied_bytes", AHEAD(copied) },
	{ "populate.touched_bytes", AHEAD(touched) },
	{ "populate.dropped_bytes", AHEAD(dropped) },
	{ "populate.stock_bytes", AHEAD(stock) },
	{ "populate.strays", AHEAD(strays) },
	{ "populate.ahead_bytes", 0, taken_ahead },
	{ "populate.unarmed_bytes", 0, unarmed },
	{ "release.ring_bytes", RELEASE(ring) },
	{ "release.vector_bytes", RELEASE(vector) },
	{ "release.plain_bytes", RELEASE(plain) },
	{ "release.trimmed_bytes", RELEASE(trimmed) },
	{ "release.in_flight_bytes", RELEASE(in_flight) },
	{ "release.refused", RELEASE(refused) },
	{ "numa.homes", 0, homes },
	{ "numa.misplaced_bytes", 0, misplaced },
	{ "numa.spilled_bytes", 0, spilled },
	{ "numa.moved_bytes", 0, brought_home },
	{ "helper.wakeups", 0, wakeups },
};

EXPORT size_t hak_stats_read(const char *name)
{
	unsigned i;

	for (i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		if (strcmp(counters[i].name, name) == 0)
			return counters[i].read(counters[i].offset);
	return (size_t)-1;
}

EXPORT size_t hak_bring_home(void)
{
	return placement_bring_home();
}

EXPORT void hak_mode(char *text, size_t bytes)
{
	if (bytes)
		helper_describe(text, bytes);
}
