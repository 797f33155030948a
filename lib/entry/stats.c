/* SPDX-License-Identifier: MIT */
/*
 * stats.c - counters by name, for hakmem.h.
 */
#include <config.h>

#include <string.h>

#include <hakmem/hakmem.h>

#include "back/populate_ahead.h"
#include "back/stock.h"
#include "back/superslab.h"
#include "entry/helper.h"

static size_t moved(void)
{
	struct populate_ahead_counts counts;

	populate_ahead_read(&counts);
	return counts.moved;
}

static size_t copied(void)
{
	struct populate_ahead_counts counts;

	populate_ahead_read(&counts);
	return counts.copied;
}

static size_t touched(void)
{
	struct populate_ahead_counts counts;

	populate_ahead_read(&counts);
	return counts.touched;
}

static size_t dropped(void)
{
	struct populate_ahead_counts counts;

	populate_ahead_read(&counts);
	return counts.dropped;
}

static size_t in_stock(void)
{
	struct populate_ahead_counts counts;

	populate_ahead_read(&counts);
	return counts.stock;
}

static size_t strays(void)
{
	struct populate_ahead_counts counts;

	populate_ahead_read(&counts);
	return counts.strays;
}

static size_t unarmed(void)
{
	return stock_read_demand().missed * SUPERSLAB_SIZE;
}

static size_t taken_ahead(void)
{
	struct stock_demand demand = stock_read_demand();

	return (demand.taken - demand.missed) * SUPERSLAB_SIZE;
}

static const struct counter {
	const char *name;
	size_t (*read)(void);
} counters[] = {
	{ "populate.moved_bytes", moved },
	{ "populate.copied_bytes", copied },
	{ "populate.touched_bytes", touched },
	{ "populate.dropped_bytes", dropped },
	{ "populate.stock_bytes", in_stock },
	{ "populate.ahead_bytes", taken_ahead },
	{ "populate.unarmed_bytes", unarmed },
	{ "populate.strays", strays },
	{ "helper.wakeups", helper_wakeups },
};

EXPORT size_t hak_stats_read(const char *name)
{
	unsigned i;

	for (i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		if (strcmp(counters[i].name, name) == 0)
			return counters[i].read();
	return (size_t)-1;
}

EXPORT void hak_mode(char *text, size_t bytes)
{
	if (bytes)
		helper_describe(text, bytes);
}
