/* SPDX-License-Identifier: MIT */
/*
 * jemalloc_conf.c - see jemalloc_conf.h. It runs before anybody may use stdio or the heap.
 */
#include <config.h>

#include "jemalloc/jemalloc_conf.h"

#include <stdatomic.h>
#include <string.h>

#include "back/helper_link.h"
#include "support/log.h"
#include "support/option_value.h"
#include "support/options.h"

#define DAY_MS		86400000
#define NAMES_BYTES	256

static bool stats_print;			/* written by the constructor */
static _Atomic int64_t muzzy_decay_ms;		/* relaxed: the part of decay_ms that is its */

bool jemalloc_conf_prints_stats(void)
{
	return stats_print;
}

static int64_t muzzy_part(void)
{
	return atomic_load_explicit(&muzzy_decay_ms, memory_order_relaxed);
}

int64_t jemalloc_conf_decay_ms(bool muzzy)
{
	int64_t all = (int64_t)atomic_load_explicit(&options.decay_ms, memory_order_relaxed);
	int64_t part = muzzy_part();

	if (!muzzy)
		part = all > part ? all - part : 0;
	return part >= DAY_MS ? -1 : part;
}

bool jemalloc_conf_set_decay_ms(bool muzzy, int64_t ms)
{
	int64_t dirty = jemalloc_conf_decay_ms(false), all;

	if (ms < -1)
		return false;
	if (ms == -1 || ms > DAY_MS)
		ms = DAY_MS;
	if (muzzy)
		atomic_store_explicit(&muzzy_decay_ms, ms, memory_order_relaxed);
	else
		dirty = ms;
	all = dirty < 0 ? DAY_MS : dirty + muzzy_part();
	atomic_store_explicit(&options.decay_ms, (size_t)(all > DAY_MS ? DAY_MS : all),
			      memory_order_relaxed);
	helper_link_wake();
	return true;
}

static bool set_decay(struct option_text value, bool muzzy)
{
	size_t ms;

	if (option_value_is(value, "-1"))
		return jemalloc_conf_set_decay_ms(muzzy, -1);
	return option_value_milliseconds(value, &ms) &&
	       jemalloc_conf_set_decay_ms(muzzy, (int64_t)ms);
}

static bool set_dirty_decay(struct option_text value)
{
	return set_decay(value, false);
}

static bool set_muzzy_decay(struct option_text value)
{
	return set_decay(value, true);
}

/* true is what there is anyhow. */
static bool set_background(struct option_text value)
{
	bool wanted;

	if (!option_value_bool(value, &wanted))
		return false;
	if (!wanted)
		options.helpers = HELPERS_NEVER;
	return true;
}

static bool set_huge_pages(struct option_text value)
{
	return option_value_word(value, "default|never|always", &options.huge_pages);
}

static bool set_confirm(struct option_text value)
{
	return option_value_bool(value, &options.confirm);
}

static bool set_stats_print(struct option_text value)
{
	return option_value_bool(value, &stats_print);
}

static const struct key {
	const char *name;
	bool (*set)(struct option_text value);
} keys[] = {
	{ "dirty_decay_ms", set_dirty_decay },
	{ "muzzy_decay_ms", set_muzzy_decay },
	{ "background_thread", set_background },
	{ "thp", set_huge_pages },
	{ "confirm_conf", set_confirm },
	{ "stats_print", set_stats_print },
};

static void add_name(char *names, struct option_text name)
{
	size_t length = strlen(names), i;

	if (name.length + 2 >= NAMES_BYTES - length)
		return;
	if (length) {
		memcpy(names + length, ", ", 2);
		length += 2;
	}
	for (i = 0; i < name.length; i++)
		names[length + i] = name.start[i] > ' ' && name.start[i] <= '~' ? name.start[i] :
										  '?';
	names[length + i] = '\0';
}

/* One pair; its name is noted where it changes nothing. */
static void jemalloc_conf_apply(struct option_text pair, char *without_meaning, char *wrong)
{
	const char *colon = memchr(pair.start, ':', pair.length);
	struct option_text name = pair, value = { "", 0 };
	unsigned i;

	if (colon) {
		name.length = (size_t)(colon - pair.start);
		value.start = colon + 1;
		value.length = pair.length - name.length - 1;
	}
	for (i = 0; i < ARRAY_LENGTH(keys); i++) {
		if (!option_value_is(name, keys[i].name))
			continue;
		if (!keys[i].set(value))
			add_name(wrong, name);
		return;
	}
	add_name(without_meaning, name);
}

void jemalloc_conf_read(const char *text, const char *source)
{
	char without_meaning[NAMES_BYTES] = "", wrong[NAMES_BYTES] = "";

	while (*text) {
		size_t length = strcspn(text, ",");

		if (length)
			jemalloc_conf_apply((struct option_text){ text, length }, without_meaning,
					    wrong);
		text += length + (text[length] == ',');
	}
	if (without_meaning[0])
		log_warning("%s: without a meaning here: %s", source, without_meaning);
	if (wrong[0])
		log_warning("%s: a bad value of: %s", source, wrong);
}
