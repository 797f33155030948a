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

static size_t unarmed(void)
{
	return stock_read_demand().missed * SUPERSLAB_SIZE;
}

static size_t taken_ahead(void)
{
	struct stock_demand demand = stock_read_demand();

	return (demand.taken - demand.missed) * SUPERSLAB_SIZE;
}

#define AHEAD(field)	offsetof(struct populate_ahead_counts, field)

/* read: NULL for a field of what populate_ahead_read fills in. */
static const struct counter {
	const char *name;
	size_t ahead_offset;
	size_t (*read)(void);
} counters[] = {
	{ "populate.moved_bytes", AHEAD(moved), NULL },
	{ "populate.copied_bytes", AHEAD(copied), NULL },
	{ "populate.touched_bytes", AHEAD(touched), NULL },
	{ "populate.dropped_bytes", AHEAD(dropped), NULL },
	{ "populate.stock_bytes", AHEAD(stock), NULL },
	{ "populate.strays", AHEAD(strays), NULL },
	{ "populate.ahead_bytes", 0, taken_ahead },
	{ "populate.unarmed_bytes", 0, unarmed },
	{ "helper.wakeups", 0, helper_wakeups },
};

static size_t read_counter(const struct counter *counter)
{
	struct populate_ahead_counts counts;
	size_t value;

	if (counter->read)
		return counter->read();
	populate_ahead_read(&counts);
	memcpy(&value, (const char *)&counts + counter->ahead_offset, sizeof(value));
	return value;
}

EXPORT size_t hak_stats_read(const char *name)
{
	unsigned i;

	for (i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		if (strcmp(counters[i].name, name) == 0)
			return read_counter(&counters[i]);
	return (size_t)-1;
}

EXPORT void hak_mode(char *text, size_t bytes)
{
	if (bytes)
		helper_describe(text, bytes);
}
