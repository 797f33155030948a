/* SPDX-License-Identifier: MIT */
/*
 * `hakctl ps`: every process on hakmem that can be seen, and for those that have no helper to ask
 * the reason. Also what `hakctl` alone does.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hakctl/client/arguments.h"
#include "hakctl/command.h"
#include "hakctl/client/json_output.h"
#include "hakctl/client/ledger.h"
#include "hakctl/client/look.h"
#include "hakctl/output/message.h"
#include "hakctl/client/metric_list.h"
#include "hakctl/client/option_table.h"
#include "hakctl/client/rates.h"
#include "hakctl/client/roll_call.h"
#include "hakctl/output/table.h"
#include "hakctl/output/units.h"

/* Rates are told between two looks, so long apart. */
#define BETWEEN_NS 200000000

/* One that the kernel said longer ago is told to be of then. */
#define POPULATED_AGE_NS (10 * UINT64_C(1000000000))

/* A command line may be a page long; JSON has more of it. */
enum { TITLE_COLUMNS = 40 };

struct seen {
	struct target *target;
	struct look look;
	struct rates rates;
	bool is_known; /* look holds something */
	char warning[400];
	char title[256];
};

enum sort { BY_RSS, BY_LIVE, BY_POPULATED, BY_STOCK, BY_RELEASE, BY_PID, BY_COMMAND };

static enum sort sort_now; /* for the comparison below */

static double sort_key(const struct seen *seen)
{
	const struct control_ledger *ledger = &seen->look.ledger;

	switch (sort_now) {
	case BY_RSS:
		return (double)seen->target->process.rss_bytes;
	case BY_LIVE:
		return seen->is_known ? (double)look_live_bytes(ledger) : -1;
	case BY_POPULATED:
		return seen->is_known ? (double)ledger->populated_bytes : -1;
	case BY_STOCK:
		return seen->is_known ? (double)ledger->stock_bytes : -1;
	case BY_RELEASE:
		return seen->rates.released;
	default:
		return 0;
	}
}

/* What is alike stands by PID. */
static int compare(const void *left, const void *right)
{
	const struct seen *a = left, *b = right;
	double key_a = sort_key(a), key_b = sort_key(b);
	int order = sort_now == BY_COMMAND ? strcmp(a->title, b->title) :
					    (key_a < key_b) - (key_a > key_b);

	return order ? order : (a->target->process.pid > b->target->process.pid) -
				       (a->target->process.pid < b->target->process.pid);
}

static void take_first(struct seen *seen)
{
	struct failure failure;

	seen->is_known = look_take(seen->target, 0, &seen->look, &failure);
	if (!seen->is_known)
		snprintf(seen->warning, sizeof(seen->warning), "%s", failure.text);
}

static void take_second(struct seen *seen)
{
	struct failure failure;
	struct look second;

	if (!seen->is_known || seen->look.from_outside)
		return;
	if (!look_take(seen->target, 0, &second, &failure)) {
		snprintf(seen->warning, sizeof(seen->warning), "%s", failure.text);
		return;
	}
	seen->rates = rates_between(&seen->look.ledger, &second.ledger);
	look_free(&seen->look);
	seen->look = second;
}

/* What somebody ought to look at, the worst first. */
static void find_warning(struct seen *seen)
{
	const struct control_ledger *ledger = &seen->look.ledger;
	uint64_t age_ns = ledger_populated_age_ns(ledger);

	if (!seen->is_known || seen->warning[0])
		return;
	if (seen->look.from_outside)
		snprintf(seen->warning, sizeof(seen->warning), "%s",
			 seen->look.why_outside);
	else if (ledger->strays)
		snprintf(seen->warning, sizeof(seen->warning),
			 "%" PRIu64 " stray accesses: hakctl stray", ledger->strays);
	else if (ledger->refused)
		snprintf(seen->warning, sizeof(seen->warning),
			 "%" PRIu64 " allocations refused", ledger->refused);
	else if (ledger->limit_soft_bytes < ledger->limit_taken_bytes)
		snprintf(seen->warning, sizeof(seen->warning), "above its soft limit");
	else if (ledger->pinned_bytes)
		snprintf(seen->warning, sizeof(seen->warning),
			 "%s pinned by sleeping threads",
			 units_bytes(ledger->pinned_bytes).text);
	else if (age_ns > POPULATED_AGE_NS && age_ns != UINT64_MAX)
		snprintf(seen->warning, sizeof(seen->warning), "populated as of %s ago",
			 units_duration(age_ns / 1000000000).text);
}

static const char *user_name(uid_t user)
{
	static char number[16];
	const struct passwd *entry = getpwuid(user);

	if (entry && strlen(entry->pw_name) < 12)
		return entry->pw_name;
	snprintf(number, sizeof(number), "%u", (unsigned)user);
	return number;
}

static void add_row(struct table *table, const struct seen *seen)
{
	const struct process *process = &seen->target->process;
	const struct control_ledger *ledger = &seen->look.ledger;
	bool known = seen->is_known;
	bool says_mode = known && seen->target->state != TARGET_SILENT;
	enum style faint = known ? STYLE_PLAIN : STYLE_FAINT;

	table_add(table, STYLE_PLAIN, "%d", (int)process->pid);
	table_add(table, faint, "%s", user_name(process->user));
	table_add(table, STYLE_PLAIN, "%.*s", table_bytes_within(seen->title, TITLE_COLUMNS),
		  seen->title);
	table_add(table, faint, "%s", units_bytes(process->rss_bytes).text);
	table_add(table, faint, "%s",
		  known ? units_bytes(look_live_bytes(ledger)).text : "-");
	table_add(table, faint, "%s",
		  known && ledger->populated_ns ? units_bytes(ledger->populated_bytes).text : "-");
	table_add(table, faint, "%s",
		  known ? units_bytes(ledger->stock_bytes).text : "-");
	table_add(table, faint, "%s",
		  seen->rates.seconds > 0 ?
			  units_bytes((uint64_t)fmax(seen->rates.released, 0)).text :
			  "-");
	if (known)
		table_add(table, faint, "%u", ledger->nodes ? ledger->nodes : 1);
	else
		table_add(table, faint, "-");
	table_add(table, seen->warning[0] ? STYLE_WARNING : STYLE_PLAIN, "%s%s%s",
		  says_mode ? ledger->mode : "", says_mode && seen->warning[0] ? "; " : "",
		  seen->warning);
}

static void print_text(const struct seen *all, const struct target_list *list)
{
	static const struct table_column columns[] = {
		{ "PID", TABLE_RIGHT },	   { "USER", TABLE_LEFT },
		{ "COMMAND", TABLE_LEFT }, { "RSS", TABLE_RIGHT },
		{ "LIVE", TABLE_RIGHT },   { "POPULATED", TABLE_RIGHT },
		{ "STOCK", TABLE_IF_ROOM },
		{ "RELEASE/s", TABLE_IF_ROOM },
		{ "NODES", TABLE_IF_ROOM },
		{ "MODE, WARNINGS", TABLE_LEFT },
	};
	struct table table;

	if (!list->count) {
		puts("no process on hakmem; `hakctl run -- COMMAND` starts one");
	} else {
		table_begin(&table, columns, 10);
		for (size_t i = 0; i < list->count; i++)
			add_row(&table, &all[i]);
		table_print(&table);
	}
	if (list->unseen)
		printf("%s%zu process%s could not be looked into%s\n",
		       style_begin(STYLE_FAINT), list->unseen,
		       list->unseen == 1 ? "" : "es", style_end(STYLE_FAINT));
}

static struct json_object *to_json(const struct seen *seen)
{
	struct json_object *object = json_output_target(seen->target);

	json_output_text(object, "title", seen->title);
	json_output_number(object, "rss_bytes", seen->target->process.rss_bytes);
	json_output_flag(object, "stopped", seen->target->state == TARGET_STOPPED);
	json_output_text(object, "socket", seen->target->socket);
	json_output_text(object, "reason", seen->target->reason);
	json_output_text(object, "warning", seen->warning);
	json_output_flag(object, "answers", seen->is_known && !seen->look.from_outside);
	if (!seen->is_known)
		return object;
	json_output_number(object, "live_bytes", look_live_bytes(&seen->look.ledger));
	json_output_number(object, "populated_bytes", seen->look.ledger.populated_bytes);
	json_output_limit(object, "populated_age_ns",
			  ledger_populated_age_ns(&seen->look.ledger));
	json_output_number(object, "stock_bytes", seen->look.ledger.stock_bytes);
	json_output_number(object, "released_bytes_per_second",
			   (uint64_t)fmax(seen->rates.released, 0));
	json_output_number(object, "nodes", seen->look.ledger.nodes);
	json_output_text(object, "mode", seen->look.ledger.mode);
	return object;
}

static void print_json(const struct seen *all, const struct target_list *list)
{
	struct json_object *object = json_output_begin("ps");
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < list->count; i++)
		json_object_array_add(array, to_json(&all[i]));
	json_object_object_add(object, "processes", array);
	json_output_number(object, "unseen", list->unseen);
	json_output_end(object);
}

static void look_at_all(struct seen *all, struct target_list *list)
{
	struct timespec pause = { 0, BETWEEN_NS };
	bool any = false;

	for (size_t i = 0; i < list->count; i++) {
		all[i].target = &list->targets[i];
		process_find_title(&all[i].target->process, all[i].title);
		take_first(&all[i]);
		any |= all[i].is_known && !all[i].look.from_outside;
	}
	while (any && nanosleep(&pause, &pause) != 0 && errno == EINTR)
		;
	for (size_t i = 0; i < list->count; i++) {
		take_second(&all[i]);
		find_warning(&all[i]);
	}
	if (list->count)
		qsort(all, list->count, sizeof(*all), compare);
}

static enum exit_code take_options(int argc, char **argv, bool *json)
{
	static const char *const names[] = { "rss",	"live", "populated", "stock",
					     "release", "pid",	"command",   NULL };
	unsigned sort = sort_now;
	const struct option_row rows[] = {
		{ "json", 'j', .flag = json },
		{ "sort", 's', .word = &sort, .words = names,
		  .expected = "rss, live, populated, stock, release, pid or command" },
		{ NULL },
	};
	enum exit_code code = option_table_take(argc, argv, rows, false);

	sort_now = (enum sort)sort;
	return code;
}

static int ps_run(int argc, char **argv)
{
	struct target_list list = { .targets = NULL };
	struct seen *all;
	enum exit_code code, missing;
	bool json = false;

	code = take_options(argc, argv, &json);
	if (code == EXIT_DONE && argv[optind])
		code = arguments_take_targets("ps", argv + optind, false, ARGUMENTS_MANY, &list);
	else if (code == EXIT_DONE)
		target_list_all(&list);
	roll_call(&list);
	if (code != EXIT_DONE)
		return code;
	all = calloc(list.count + 1, sizeof(*all));
	if (!all)
		message_out_of_memory();
	look_at_all(all, &list);
	if (json)
		print_json(all, &list);
	else
		print_text(all, &list);
	for (size_t i = 0; i < list.count; i++)
		look_free(&all[i].look);
	free(all);
	missing = list.missing;
	target_list_free(&list);
	return missing;
}

const struct command ps_command = {
	.name = "ps",
	.arguments = "[-j] [--sort COLUMN] [TARGET...]",
	.summary = "list the processes on hakmem",
	.help = "  -s, --sort COLUMN  rss (without it), live, populated, stock, release, pid or\n"
		"                     command\n"
		"  -j, --json         one JSON object; bytes as integers\n"
		"\n"
		"Memory in bytes, with K, M, G for 1024 of the one before. LIVE is what the\n"
		"program holds, POPULATED what is resident in the heap, STOCK what is ready to\n"
		"be taken, RELEASE/s what goes back to the kernel, measured over 0.2 s. A process\n"
		"that has the library but no helper to ask is read from outside, and listed with\n"
		"the reason and what mends it.\n",
	.run = ps_run,
};
