/* SPDX-License-Identifier: MIT */
/* See stats_text.h; `hakctl stats` and `hakctl numa` print with it. */
#include <config.h>

#include "hakctl/verbs/stats_text.h"

#include <inttypes.h>
#include <stdio.h>

#include "hakctl/client/ledger.h"
#include "hakctl/output/paragraph.h"
#include "hakctl/output/style.h"
#include "hakctl/output/table.h"
#include "hakctl/output/text.h"
#include "hakctl/client/thread_ids.h"
#include "hakctl/output/units.h"

void stats_text_heading(const struct target *target, const struct look *look)
{
	const struct control_ledger *ledger = &look->ledger;

	paragraph_line(0, "%shakmem%s%s  pid %s%s  up %s  mode %s", style_begin(STYLE_TITLE),
		       look->release[0] ? " " : "", look->release, target_label(target),
		       style_end(STYLE_TITLE), units_duration(ledger->up_ns / 1000000000).text,
		       ledger->mode[0] ? ledger->mode : "unknown");
	if (ledger->notice[0])
		paragraph_line(2, "%s%s%s", style_begin(STYLE_FAINT), ledger->notice,
			       style_end(STYLE_FAINT));
	if (look->from_outside)
		paragraph_line(2, "%sread from outside, as of %s ago: %s%s",
			       style_begin(STYLE_WARNING),
			       units_duration(look_age_ns(look) / 1000000000).text,
			       look->why_outside, style_end(STYLE_WARNING));
}

/* What a line of the ledger takes without its note. */
enum { LABEL_COLUMNS = 28, LINE_COLUMNS = 2 + LABEL_COLUMNS + 14 };

static bool is_narrow(void)
{
	return style_columns() && style_columns() < LINE_COLUMNS;
}

/* Behind the number, or where there is no room on a line of its own. */
static void print_note(const char *note)
{
	int columns = style_columns();
	bool has_room = !columns || LINE_COLUMNS + 3 + table_text_width(note) <= columns;

	if (has_room)
		printf("   ");
	else
		printf("\n    ");
	printf("%s", style_begin(STYLE_FAINT));
	paragraph_print(note, has_room ? LINE_COLUMNS + 3 : 4, 4);
	printf("%s", style_end(STYLE_FAINT));
}

/* The sign, the label, and the number that stands under the others. */
static void print_line(char sign, const char *label, bool is_sampled, double mebibytes,
		       const char *note, enum style style)
{
	int padding = LABEL_COLUMNS - table_text_width(label);

	printf("%c %s%s%s%*s%s %*.1f%s", sign, style_begin(style), label, style_end(style),
	       padding > 0 ? padding : 0, "", is_sampled ? text_sign("≈", "~") : " ",
	       is_narrow() ? 7 : 8, mebibytes, is_narrow() ? "M" : " MiB");
	if (note[0])
		print_note(note);
	putchar('\n');
}

static void print_terms(const struct control_ledger *ledger)
{
	struct ledger_term terms[LEDGER_MOST_TERMS];
	size_t count = ledger_terms(ledger, terms);

	for (size_t i = 0; i < count; i++) {
		double mebibytes = (double)terms[i].bytes / (1024 * 1024);
		char sign = mebibytes < 0 ? '-' : i ? '+' : ' ';

		if (terms[i].is_shown)
			print_line(sign, terms[i].label, terms[i].is_sampled,
				   mebibytes < 0 ? -mebibytes : mebibytes,
				   is_narrow() ? "" : terms[i].note, STYLE_PLAIN);
	}
}

/* When the kernel was asked; it is asked seldom, for it costs milliseconds a gibibyte. */
static void describe_populated(const struct control_ledger *ledger, char note[96])
{
	uint64_t age_ns = ledger_populated_age_ns(ledger);

	if (age_ns == UINT64_MAX)
		snprintf(note, 96, "the kernel has not said it");
	else if (age_ns < LEDGER_AGE_NS)
		snprintf(note, 96, "the kernel says %.1f",
			 (double)ledger->populated_bytes / (1024 * 1024));
	else
		snprintf(note, 96, "the kernel said so %s ago", units_nanoseconds(age_ns).text);
}

static void print_limits(const struct control_ledger *ledger)
{
	static const char *const actions[] = { "null", "throttle", "abort" };
	char soft[48], hard[64];

	if (ledger->limit_soft_bytes == UINT64_MAX &&
	    ledger->limit_hard_bytes == UINT64_MAX)
		return;
	snprintf(soft, sizeof(soft), ", soft %s", units_mebibytes(ledger->limit_soft_bytes).text);
	snprintf(hard, sizeof(hard), ", hard %s (%s)",
		 units_mebibytes(ledger->limit_hard_bytes).text,
		 ledger->limit_action < 3 ? actions[ledger->limit_action] : "?");
	paragraph_line(2, "limits: taken %s%s%s", units_mebibytes(ledger->limit_taken_bytes).text,
		       ledger->limit_soft_bytes != UINT64_MAX ? soft : "",
		       ledger->limit_hard_bytes != UINT64_MAX ? hard : "");
}

/*
 * Of the moment at which the kernel counted the heap's pages: a difference of two times would be
 * none.
 */
static void describe_rest(const struct control_ledger *ledger, char note[96])
{
	uint64_t rest = ledger_not_heap_bytes(ledger), age_ns = ledger_populated_age_ns(ledger);

	note[0] = '\0';
	if (rest != UINT64_MAX && age_ns < LEDGER_AGE_NS)
		snprintf(note, 96, "not heap: %.1f", (double)rest / (1024 * 1024));
	else if (rest != UINT64_MAX)
		snprintf(note, 96, "not heap: %.1f, %s ago", (double)rest / (1024 * 1024),
			 units_nanoseconds(age_ns).text);
}

static uint64_t rss_of(const struct target *target, const struct look *look)
{
	return target->process.rss_bytes ? target->process.rss_bytes : look->ledger.rss_bytes;
}

void stats_text_ledger(const struct target *target, const struct look *look)
{
	const struct control_ledger *ledger = &look->ledger;
	uint64_t rss = rss_of(target, look);
	char note[96];

	stats_text_heading(target, look);
	print_terms(ledger);
	describe_populated(ledger, note);
	print_line('=', "populated", false,
		   (double)ledger->populated_bytes / (1024 * 1024), note, STYLE_TITLE);
	describe_rest(ledger, note);
	print_line(' ', "process RSS", false, (double)rss / (1024 * 1024), note,
		   STYLE_PLAIN);
	paragraph_line(2, "memory system calls by application threads %" PRIu64,
		       ledger->application_calls);
	paragraph_line(2, "waits for pages p99 %s, max %s",
		       units_nanoseconds(ledger->wait_p99_ns).text,
		       units_nanoseconds(ledger->wait_max_ns).text);
	print_limits(ledger);
	if (ledger->strays)
		paragraph_line(2, "%s%" PRIu64 " stray access%s: `hakctl stray %d` tells them%s",
			       style_begin(STYLE_BAD), ledger->strays,
			       ledger->strays == 1 ? "" : "es", (int)target->process.pid,
			       style_end(STYLE_BAD));
}

void stats_text_add(struct stats_total *total, const struct target *target, const struct look *look)
{
	ledger_add(&total->ledger, &look->ledger);
	total->rss_bytes += rss_of(target, look);
	total->processes++;
}

void stats_text_total(const struct stats_total *total)
{
	char note[96];

	printf("%stotal of %zu processes%s  %" PRIu32 " threads\n", style_begin(STYLE_TITLE),
	       total->processes, style_end(STYLE_TITLE), total->ledger.threads);
	print_terms(&total->ledger);
	describe_populated(&total->ledger, note);
	print_line('=', "populated", false, (double)total->ledger.populated_bytes / (1024 * 1024),
		   note, STYLE_TITLE);
	print_line(' ', "processes' RSS", false, (double)total->rss_bytes / (1024 * 1024),
		   "pages that several share are in it several times", STYLE_PLAIN);
}

void stats_text_classes(const struct target *target, const struct look *look)
{
	static const struct table_column columns[] = {
		{ "SIZE", TABLE_RIGHT }, { "SLABS", TABLE_RIGHT },
		{ "LIVE", TABLE_RIGHT }, { "CACHED", TABLE_RIGHT },
		{ "FREE", TABLE_RIGHT }, { "LIVE BYTES", TABLE_RIGHT },
		{ "USED", TABLE_RIGHT },
	};
	const struct control_class *rows = (const void *)look->classes.rows;
	struct table table;

	stats_text_heading(target, look);
	table_begin(&table, columns, 7);
	for (size_t i = 0; i < look->classes.count; i++) {
		const struct control_class *row = &rows[i];

		if (!row->slabs)
			continue;
		table_add(&table, STYLE_PLAIN, "%u%s", row->size_bytes,
			  row->alignment_only ? "a" : " ");
		table_add(&table, STYLE_PLAIN, "%" PRIu64, row->slabs);
		table_add(&table, STYLE_PLAIN, "%" PRIu64, row->live);
		table_add(&table, STYLE_PLAIN, "%" PRIu64, row->cached);
		table_add(&table, STYLE_PLAIN, "%" PRIu64, row->free + row->in_transit);
		table_add(&table, STYLE_PLAIN, "%s",
			  units_bytes(row->live * row->size_bytes).text);
		table_add(&table, STYLE_PLAIN, "%s",
			  units_percent(row->live, row->slabs * row->slab_capacity).text);
	}
	table_print(&table);
}

void stats_text_threads(const struct target *target, const struct look *look)
{
	static const char *const states[] = { "live", "idle", "frozen" };
	static const struct table_column columns[] = {
		{ "THREAD", TABLE_RIGHT },    { "NAME", TABLE_LEFT },
		{ "STATE", TABLE_LEFT },
		{ "NODE", TABLE_RIGHT },      { "SLABS", TABLE_RIGHT },
		{ "LIVE", TABLE_RIGHT },      { "CACHED", TABLE_RIGHT },
		{ "FREE", TABLE_RIGHT },      { "ON THE WAY", TABLE_RIGHT },
		{ "SENT HOME", TABLE_RIGHT },
	};
	const struct control_thread *rows = (const void *)look->threads.rows;
	struct table table;

	stats_text_heading(target, look);
	table_begin(&table, columns, 10);
	for (size_t i = 0; i < look->threads.count; i++) {
		const struct control_thread *row = &rows[i];
		char name[32] = "";

		if (row->thread)
			thread_ids_name(&target->process, row->thread, name);
		if (row->thread)
			table_add(&table, STYLE_PLAIN, "%u", row->thread);
		else
			table_add(&table, STYLE_FAINT, "#%u", row->number);
		table_add(&table, STYLE_PLAIN, "%s", name);
		table_add(&table, row->state ? STYLE_FAINT : STYLE_PLAIN, "%s",
			  row->state < 3 ? states[row->state] : "?");
		table_add(&table, STYLE_PLAIN, "%u", row->node);
		table_add(&table, STYLE_PLAIN, "%s", units_bytes(row->slabs_bytes).text);
		table_add(&table, STYLE_PLAIN, "%s", units_bytes(row->live_bytes).text);
		table_add(&table, STYLE_PLAIN, "%s", units_bytes(row->cached_bytes).text);
		table_add(&table, STYLE_PLAIN, "%s", units_bytes(row->free_bytes).text);
		table_add(&table, STYLE_PLAIN, "%s",
			  units_bytes(row->in_transit_bytes).text);
		table_add(&table, STYLE_PLAIN, "%s",
			  units_count((double)row->remote_frees).text);
	}
	table_print(&table);
}

void stats_text_nodes(const struct target *target, const struct look *look)
{
	static const struct table_column columns[] = {
		{ "NODE", TABLE_RIGHT },      { "HELPER", TABLE_LEFT },
		{ "OPENED", TABLE_RIGHT },    { "SLABS", TABLE_RIGHT },
		{ "LIVE", TABLE_RIGHT },      { "STOCK", TABLE_RIGHT },
		{ "MISPLACED", TABLE_RIGHT }, { "REMOTE FREES", TABLE_RIGHT },
	};
	const struct control_node *rows = (const void *)look->nodes.rows;
	struct table table;

	stats_text_heading(target, look);
	if (look->from_outside)
		return;
	table_begin(&table, columns, 8);
	for (size_t i = 0; i < look->nodes.count; i++) {
		const struct control_node *row = &rows[i];

		table_add(&table, STYLE_PLAIN, "%u", row->node);
		table_add(&table, STYLE_PLAIN, "%s", row->helper ? "runs" : "none");
		table_add(&table, STYLE_PLAIN, "%s", units_bytes(row->opened_bytes).text);
		table_add(&table, STYLE_PLAIN, "%s", units_bytes(row->slabs_bytes).text);
		table_add(&table, STYLE_PLAIN, "%s", units_bytes(row->live_bytes).text);
		table_add(&table, STYLE_PLAIN, "%s", units_bytes(row->stock_bytes).text);
		table_add(&table, STYLE_PLAIN, "%s",
			  units_bytes(row->misplaced_bytes).text);
		table_add(&table, STYLE_PLAIN, "%s",
			  units_count((double)row->remote_frees).text);
	}
	table_print(&table);
}
