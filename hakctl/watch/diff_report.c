/* SPDX-License-Identifier: MIT */
/* See diff_report.h; `hakctl diff` prints with it. */
#include <config.h>

#include "hakctl/watch/diff_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hakctl/client/ledger.h"
#include "hakctl/output/paragraph.h"
#include "hakctl/output/style.h"
#include "hakctl/output/table.h"
#include "hakctl/output/units.h"

enum { CLASSES_SHOWN = 10, TITLE_COLUMNS = 32 };

/* A class in both looks; what is missing in one of them is nothing there. */
struct class_change {
	struct recording_class from, to;
	double live, lost; /* bytes more */
};

struct changes {
	struct class_change classes[2 * CONTROL_SNAPSHOT_CLASSES];
	size_t count;
};

static struct units_text signed_mebibytes(double bytes)
{
	struct units_text text = { "0.0 MiB" };
	double mebibytes = bytes / (1 << 20);

	if (mebibytes >= 0.05 || mebibytes <= -0.05)
		snprintf(text.text, sizeof(text.text), "%+.1f MiB", mebibytes);
	return text;
}

static const char *time_text(const struct recording_look *record, char text[32])
{
	time_t seconds = (time_t)(record->time_ns / 1000000000u);
	struct tm parts;

	if (!localtime_r(&seconds, &parts) || !strftime(text, 32, "%Y-%m-%d %H:%M:%S", &parts))
		snprintf(text, 32, "?");
	return text;
}

static int compare_changes(const void *left, const void *right)
{
	const struct class_change *a = left, *b = right;
	double x = (a->live < 0 ? -a->live : a->live) + (a->lost < 0 ? -a->lost : a->lost);
	double y = (b->live < 0 ? -b->live : b->live) + (b->lost < 0 ? -b->lost : b->lost);

	return (x < y) - (x > y);
}

static struct class_change *change_of(struct changes *changes, const struct recording_class *class)
{
	for (size_t i = 0; i < changes->count; i++)
		if (changes->classes[i].to.size_bytes == class->size_bytes &&
		    changes->classes[i].to.alignment_only == class->alignment_only)
			return &changes->classes[i];
	changes->classes[changes->count].to.size_bytes = class->size_bytes;
	changes->classes[changes->count].to.alignment_only = class->alignment_only;
	return &changes->classes[changes->count++];
}

static void find_changes(const struct recording_look *from, const struct recording_look *to,
			 struct changes *changes)
{
	*changes = (struct changes){ .count = 0 };
	for (uint32_t i = 0; i < from->class_count; i++)
		change_of(changes, &from->classes[i])->from = from->classes[i];
	for (uint32_t i = 0; i < to->class_count; i++)
		change_of(changes, &to->classes[i])->to = to->classes[i];
	for (size_t i = 0; i < changes->count; i++) {
		struct class_change *change = &changes->classes[i];
		double size = change->to.size_bytes;

		change->live = ((double)change->to.live - (double)change->from.live) * size;
		change->lost = ((double)change->to.lost - (double)change->from.lost) * size;
	}
	if (changes->count)
		qsort(changes->classes, changes->count, sizeof(changes->classes[0]),
		      compare_changes);
}

static double term_bytes(const struct ledger_term *terms, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(terms[i].name, name))
			return (double)terms[i].bytes;
	return 0;
}

static void add_row(struct table *table, const char *label, double from, double to,
		    enum style style)
{
	double change = to - from;

	if (from == 0 && to == 0)
		return;
	table_add(table, style, "%s", label);
	table_add(table, style, "%.1f MiB", from / (1 << 20));
	table_add(table, style, "%.1f MiB", to / (1 << 20));
	table_add(table, change >= 1 << 20 ? STYLE_WARNING : style, "%s",
		  signed_mebibytes(change).text);
}

static void print_terms(const struct recording_look *from, const struct recording_look *to)
{
	static const struct table_column columns[] = {
		{ "", TABLE_LEFT },
		{ "FROM", TABLE_RIGHT },
		{ "TO", TABLE_RIGHT },
		{ "CHANGE", TABLE_RIGHT },
	};
	struct ledger_term before[LEDGER_MOST_TERMS], after[LEDGER_MOST_TERMS];
	size_t before_count = ledger_terms(&from->ledger, before);
	size_t after_count = ledger_terms(&to->ledger, after);
	struct table table;

	table_begin(&table, columns, 4);
	for (size_t i = 0; i < after_count; i++)
		if (after[i].is_shown || term_bytes(before, before_count, after[i].name) > 0)
			add_row(&table, after[i].label,
				term_bytes(before, before_count, after[i].name),
				(double)after[i].bytes, STYLE_PLAIN);
	for (size_t i = 0; i < before_count; i++)
		if (!term_bytes(after, after_count, before[i].name) && before[i].bytes &&
		    !strcmp(before[i].name, "live_bytes"))
			add_row(&table, before[i].label, (double)before[i].bytes, 0, STYLE_PLAIN);
	add_row(&table, "populated", (double)from->ledger.populated_bytes,
		(double)to->ledger.populated_bytes, STYLE_TITLE);
	add_row(&table, "process RSS", (double)from->rss_bytes, (double)to->rss_bytes, STYLE_TITLE);
	table_print(&table);
}

static void print_classes(const struct changes *changes)
{
	static const struct table_column columns[] = {
		{ "SIZE", TABLE_RIGHT },   { "LIVE FROM", TABLE_RIGHT }, { "TO", TABLE_RIGHT },
		{ "CHANGE", TABLE_RIGHT }, { "FREE INSIDE", TABLE_RIGHT },
	};
	struct table table;

	table_begin(&table, columns, 5);
	for (size_t i = 0; i < changes->count && i < CLASSES_SHOWN; i++) {
		const struct class_change *change = &changes->classes[i];

		if (change->live == 0 && change->lost == 0)
			break;
		table_add(&table, STYLE_PLAIN, "%" PRIu32 "%s", change->to.size_bytes,
			  change->to.alignment_only ? "a" : " ");
		table_add(&table, STYLE_PLAIN, "%" PRIu64, change->from.live);
		table_add(&table, STYLE_PLAIN, "%" PRIu64, change->to.live);
		table_add(&table, STYLE_PLAIN, "%s", signed_mebibytes(change->live).text);
		table_add(&table, STYLE_PLAIN, "%s", signed_mebibytes(change->lost).text);
	}
	table_print(&table);
}

/* Resident and not of the heap: of one moment each, or nothing. */
static double not_heap_growth(const struct recording_look *from, const struct recording_look *to)
{
	uint64_t before = ledger_not_heap_bytes(&from->ledger),
		 after = ledger_not_heap_bytes(&to->ledger);

	return before == UINT64_MAX || after == UINT64_MAX ? 0 : (double)after - (double)before;
}

static double live_growth(const struct recording_look *from, const struct recording_look *to)
{
	return (double)look_live_bytes(&to->ledger) - (double)look_live_bytes(&from->ledger);
}

/* Free in slabs and in caches. */
static double lost_bytes(const struct recording_look *record)
{
	const struct control_ledger *ledger = &record->ledger;

	return (double)(ledger->slabs_free_bytes + ledger->slabs_untouched_bytes +
			ledger->slab_tails_bytes + ledger->thread_caches_bytes);
}

/* The largest change, and what it is about. */
static const char *verdict(const struct recording_look *from, const struct recording_look *to)
{
	double rss = (double)to->rss_bytes - (double)from->rss_bytes;

	if (rss < 1 << 20)
		return rss > -(1 << 20) ? "as large as before" : "smaller";
	if (live_growth(from, to) >= rss / 2)
		return "the program holds more";
	if (lost_bytes(to) - lost_bytes(from) >= rss / 2)
		return "memory stays free inside slabs";
	if (not_heap_growth(from, to) >= rss / 2)
		return "most of it is not heap";
	return "several things grew";
}

void diff_report_summary(struct table *table, const struct recording_look *from,
			 const struct recording_look *to)
{
	double rss = (double)to->rss_bytes - (double)from->rss_bytes;

	table_add(table, STYLE_PLAIN, "%" PRIu32, to->pid);
	table_add(table, STYLE_PLAIN, "%.*s", table_bytes_within(to->title, TITLE_COLUMNS),
		  to->title);
	table_add(table, STYLE_PLAIN, "%.1f MiB", (double)to->rss_bytes / (1 << 20));
	table_add(table, rss >= 1 << 20 ? STYLE_WARNING : STYLE_PLAIN, "%s",
		  signed_mebibytes(rss).text);
	table_add(table, STYLE_PLAIN, "%s", signed_mebibytes(live_growth(from, to)).text);
	table_add(table, STYLE_PLAIN, "%s",
		  signed_mebibytes(lost_bytes(to) - lost_bytes(from)).text);
	table_add(table, STYLE_PLAIN, "%s", verdict(from, to));
}

void diff_report_begin_summary(struct table *table)
{
	static const struct table_column columns[] = {
		{ "PID", TABLE_RIGHT },	 { "COMMAND", TABLE_LEFT },
		{ "RSS", TABLE_RIGHT },	 { "CHANGE", TABLE_RIGHT },
		{ "LIVE", TABLE_RIGHT }, { "FREE INSIDE", TABLE_RIGHT },
		{ "", TABLE_LEFT },
	};

	table_begin(table, columns, 7);
}

void diff_report_text(const struct recording_look *from, const struct recording_look *to)
{
	char first[32], last[32];
	struct changes changes;

	paragraph_line(0, "%s%" PRIu32 " %s%s", style_begin(STYLE_TITLE), to->pid, to->title,
		       style_end(STYLE_TITLE));
	paragraph_line(0, "%s to %s (%s)", time_text(from, first), time_text(to, last),
		       units_nanoseconds(to->time_ns - from->time_ns).text);
	print_terms(from, to);
	find_changes(from, to, &changes);
	paragraph_line(0, "%s%s%s", style_begin(STYLE_TITLE), verdict(from, to),
		       style_end(STYLE_TITLE));
	if (changes.count && (changes.classes[0].live != 0 || changes.classes[0].lost != 0))
		print_classes(&changes);
}

static void add_pair(struct json_object *object, const char *name, double from, double to)
{
	struct json_object *pair = json_object_new_object();

	json_object_object_add(pair, "from", json_object_new_int64((int64_t)from));
	json_object_object_add(pair, "to", json_object_new_int64((int64_t)to));
	json_object_object_add(pair, "change", json_object_new_int64((int64_t)(to - from)));
	json_object_object_add(object, name, pair);
}

static struct json_object *classes_json(const struct changes *changes)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < changes->count; i++) {
		const struct class_change *change = &changes->classes[i];
		struct json_object *object = json_object_new_object();

		json_output_number(object, "size_bytes", change->to.size_bytes);
		json_output_flag(object, "alignment_only", change->to.alignment_only != 0);
		add_pair(object, "live", (double)change->from.live, (double)change->to.live);
		add_pair(object, "free", (double)change->from.lost, (double)change->to.lost);
		json_object_array_add(array, object);
	}
	return array;
}

struct json_object *diff_report_json(const struct recording_look *from,
				     const struct recording_look *to)
{
	struct json_object *object = json_object_new_object(), *terms = json_object_new_object();
	struct ledger_term before[LEDGER_MOST_TERMS], after[LEDGER_MOST_TERMS];
	size_t before_count = ledger_terms(&from->ledger, before);
	size_t after_count = ledger_terms(&to->ledger, after);
	struct changes changes;

	json_output_number(object, "pid", to->pid);
	json_output_text(object, "title", to->title);
	json_output_number(object, "from_ns", from->time_ns);
	json_output_number(object, "to_ns", to->time_ns);
	add_pair(object, "rss_bytes", (double)from->rss_bytes, (double)to->rss_bytes);
	add_pair(object, "live_bytes", (double)look_live_bytes(&from->ledger),
		 (double)look_live_bytes(&to->ledger));
	add_pair(object, "populated_bytes", (double)from->ledger.populated_bytes,
		 (double)to->ledger.populated_bytes);
	for (size_t i = 0; i < after_count; i++)
		add_pair(terms, after[i].name, term_bytes(before, before_count, after[i].name),
			 (double)after[i].bytes);
	json_object_object_add(object, "terms", terms);
	find_changes(from, to, &changes);
	json_object_object_add(object, "classes", classes_json(&changes));
	return object;
}
