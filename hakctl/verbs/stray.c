/* SPDX-License-Identifier: MIT */
/* `hakctl stray`: the accesses to memory that nobody was given, which the tripwire caught. */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "hakctl/client/arguments.h"
#include "hakctl/command.h"
#include "hakctl/client/json_output.h"
#include "hakctl/output/paragraph.h"
#include "hakctl/output/table.h"

static void format_time(uint64_t when_ns, char text[40])
{
	time_t seconds = (time_t)(when_ns / 1000000000);
	struct tm local;
	size_t length;

	localtime_r(&seconds, &local);
	length = strftime(text, 40, "%Y-%m-%d %H:%M:%S", &local);
	snprintf(text + length, 40 - length, ".%03u",
		 (unsigned)(when_ns / 1000000 % 1000));
}

static void print_text(const struct target *target, const struct control_stray *strays,
		       size_t count)
{
	static const struct table_column columns[] = {
		{ "WHEN", TABLE_LEFT },		  { "THREAD", TABLE_RIGHT },
		{ "ACCESS", TABLE_LEFT },	  { "ADDRESS", TABLE_RIGHT },
		{ "WHAT WAS THERE", TABLE_LEFT },
	};
	struct table table;

	if (!count) {
		paragraph_line(0, "%s: no stray access seen", target_label(target));
		return;
	}
	printf("%s:\n", target_label(target));
	table_begin(&table, columns, 5);
	for (size_t i = 0; i < count; i++) {
		char when[40];

		format_time(strays[i].when_ns, when);
		table_add(&table, STYLE_PLAIN, "%s", when);
		table_add(&table, STYLE_PLAIN, "%u", strays[i].thread);
		table_add(&table, STYLE_BAD, "%s", strays[i].is_write ? "write" : "read");
		table_add(&table, STYLE_PLAIN, "0x%" PRIx64, strays[i].address);
		if (strays[i].class_bytes)
			table_add(&table, STYLE_PLAIN, "blocks of %u bytes, freed since",
				  strays[i].class_bytes);
		else
			table_add(&table, STYLE_PLAIN,
				  "nothing: it was never handed out");
	}
	table_print(&table);
}

static void add_json(const struct arguments_looking *request, const struct target *target,
		     const struct control_stray *strays, size_t count)
{
	struct json_object *object = json_output_target(target);
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < count; i++) {
		struct json_object *stray = json_object_new_object();

		json_output_number(stray, "when_ns", strays[i].when_ns);
		json_output_number(stray, "address", strays[i].address);
		json_output_number(stray, "thread", strays[i].thread);
		json_output_flag(stray, "write", strays[i].is_write != 0);
		json_output_number(stray, "class_bytes", strays[i].class_bytes);
		json_object_array_add(array, stray);
	}
	json_object_object_add(object, "strays", array);
	json_object_array_add(request->array, object);
}

static bool show(struct target *target, void *argument, struct failure *failure)
{
	struct arguments_looking *request = argument;
	struct reply_rows rows = { .row_bytes = sizeof(struct control_stray) };
	struct connection connection;
	bool done;

	if (!target_connect(target, &connection, failure))
		return false;
	done = connection_ask_rows(&connection, CONTROL_STRAYS, &rows, failure);
	connection_close(&connection);
	if (done && request->json)
		add_json(request, target, (const void *)rows.rows, rows.count);
	else if (done)
		print_text(target, (const void *)rows.rows, rows.count);
	reply_free_rows(&rows);
	return done;
}

static int stray_run(int argc, char **argv)
{
	return arguments_look("stray", argc, argv, show);
}

const struct command stray_command = {
	.name = "stray",
	.arguments = "[-j] [TARGET... | --all]",
	.summary = "show touches of memory that nobody was given",
	.help = "  -a, --all   every process that can be asked\n"
		"  -j, --json  one JSON object; addresses as integers\n"
		"\n"
		"Each is a use after free or a wild pointer: the memory was in nobody's hands, and\n"
		"its pages were missing on purpose. The option on_stray_access says what happens\n"
		"then.\n",
	.run = stray_run,
};
