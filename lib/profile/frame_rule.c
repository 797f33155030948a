/* SPDX-License-Identifier: MIT */
/*
 * frame_rule.c - see frame_rule.h. What .eh_frame means is in frame_program.c. A rule that was
 * found is kept in a table by its place: a walk reads tables for places only that it has not met.
 */
#include <config.h>

#include "profile/frame_rule.h"

#include <dlfcn.h>
#include <link.h>
#include <stdatomic.h>
#include <string.h>

#include "profile/frame_program.h"
#include "profile/table_memory.h"

#define REMEMBERED	4096u
#define BEING_WRITTEN	1	/* no place of code */

/* place is the last to be written, and the first to be wiped. */
struct remembered_rule {
	_Atomic uintptr_t place;	/* 0: none. acquire and release: the rule belongs to it */
	struct frame_rule rule;
};

static _Atomic(struct remembered_rule *) remembered;	/* release: it is mapped */

void frame_rule_begin(void)
{
	struct remembered_rule *table = atomic_load_explicit(&remembered, memory_order_acquire);
	unsigned i;

	for (i = 0; table && i < REMEMBERED; i++)
		atomic_store_explicit(&table[i].place, 0, memory_order_relaxed);
	if (!table)
		atomic_store_explicit(&remembered, table_memory_map(REMEMBERED * sizeof(*table)),
				      memory_order_release);
}

#ifdef HAVE__DL_FIND_OBJECT
static bool find_module(uintptr_t place, uintptr_t *start, uintptr_t *end, const uint8_t **table)
{
	struct dl_find_object found;

	if (_dl_find_object((void *)place, &found))
		return false;
	*start = (uintptr_t)found.dlfo_map_start;
	*end = (uintptr_t)found.dlfo_map_end;
	*table = found.dlfo_eh_frame;
	return true;
}

/* The program's own name is empty. */
bool frame_rule_library(uintptr_t place, uintptr_t *start, uintptr_t *end)
{
	struct dl_find_object found;

	if (_dl_find_object((void *)place, &found) || !found.dlfo_link_map->l_name[0])
		return false;
	*start = (uintptr_t)found.dlfo_map_start;
	*end = (uintptr_t)found.dlfo_map_end;
	return true;
}
#else
/*
 * Without it (glibc before 2.35, musl) there is no way that takes no lock: frame pointers are left.
 */
static bool find_module(uintptr_t place, uintptr_t *start, uintptr_t *end, const uint8_t **table)
{
	(void)place;
	(void)start;
	(void)end;
	(void)table;
	return false;
}

bool frame_rule_library(uintptr_t place, uintptr_t *start, uintptr_t *end)
{
	(void)place;
	(void)start;
	(void)end;
	return false;
}
#endif


/* Of a table sorted by start: pairs of an address and its description, from the table on. */
struct header_row {
	int32_t start, description;
};

#define HEADER_BYTES	12
/* version 1, pcrel sdata4, udata4, datarel sdata4: what linkers write */
#define ENCODED_AS	0x3b031b01u

static const uint8_t *find_description(const uint8_t *table, uintptr_t place)
{
	const struct header_row *rows = (const void *)(table + HEADER_BYTES);
	int64_t offset = (int64_t)(place - (uintptr_t)table);
	uint32_t encoded, count, low = 0, high;

	memcpy(&encoded, table, sizeof(encoded));
	memcpy(&count, table + 8, sizeof(count));
	if (encoded != ENCODED_AS || !count || offset < rows[0].start)
		return NULL;
	for (high = count; high - low > 1;) {
		uint32_t middle = low + (high - low) / 2;

		if (rows[middle].start <= offset)
			low = middle;
		else
			high = middle;
	}
	return table + rows[low].description;
}

static void read_tables(uintptr_t place, struct frame_rule *rule)
{
	const uint8_t *table = NULL, *description;
	uintptr_t start, end;

	memset(rule, 0, sizeof(*rule));
	if (!find_module(place, &start, &end, &table) || !table)
		return;
	description = find_description(table, place);
	if (description)
		frame_program_run(description, place, rule);
}

/* Another thread may be writing it: then it is not there. */
static bool RACY_READER recall(struct remembered_rule *from, uintptr_t place,
			       struct frame_rule *rule)
{
	if (atomic_load_explicit(&from->place, memory_order_acquire) != place)
		return false;
	*rule = from->rule;
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&from->place, memory_order_relaxed) == place;
}

static void RACY_READER frame_rule_remember(struct remembered_rule *to, uintptr_t place,
					    const struct frame_rule *rule)
{
	uintptr_t found = atomic_load_explicit(&to->place, memory_order_relaxed);

	if (found == BEING_WRITTEN ||
	    !atomic_compare_exchange_strong_explicit(&to->place, &found, BEING_WRITTEN,
						     memory_order_acquire, memory_order_relaxed))
		return;
	to->rule = *rule;
	atomic_store_explicit(&to->place, place, memory_order_release);
}

void frame_rule_find(uintptr_t place, struct frame_rule *rule)
{
	struct remembered_rule *table = atomic_load_explicit(&remembered, memory_order_acquire);

	if (table)
		table += (place * 0x9e3779b97f4a7c15ull >> 40) % REMEMBERED;
	if (table && recall(table, place, rule))
		return;
	read_tables(place, rule);
	if (table)
		frame_rule_remember(table, place, rule);
}
