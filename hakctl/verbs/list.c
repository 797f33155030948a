/* SPDX-License-Identifier: MIT */
/* `hakctl list`: every knob and counter of a process, with its value and what it means. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "hakctl/client/arguments.h"
#include "hakctl/client/option_table.h"
#include "hakctl/command.h"
#include "hakctl/verbs/setting.h"
#include "hakctl/output/table.h"

struct request {
	bool json, all, only_knobs;
	size_t targets;
	struct json_object *array;
};

static bool is_wanted(const struct request *request,
		      const struct control_setting *setting)
{
	return !request->only_knobs || setting->flags & CONTROL_SETTABLE;
}

static void print_text(const struct request *request, const struct target *target,
		       const struct control_setting *settings, size_t count)
{
	static const struct table_column columns[] = {
		{ "NAME", TABLE_LEFT },
		{ "VALUE", TABLE_RIGHT },
		{ "", TABLE_LEFT },
		{ "MEANING", TABLE_LEFT },
	};
	struct table table;

	if (request->targets > 1)
		printf("%s\n", target_label(target));
	table_begin(&table, columns, 4);
	for (size_t i = 0; i < count; i++) {
		const struct control_setting *setting = &settings[i];
		bool is_knob = setting->flags & CONTROL_SETTABLE;

		if (!is_wanted(request, setting))
			continue;
		table_add(&table, is_knob ? STYLE_TITLE : STYLE_PLAIN, "%s",
			  setting->name);
		table_add(&table, STYLE_PLAIN, "%s", setting_value(setting).text);
		table_add(&table, STYLE_PLAIN, "%s", is_knob ? "set" : "");
		table_add(&table, STYLE_PLAIN, "%s%s%s%s", setting->help,
			  setting->words[0] ? " (" : "", setting->words,
			  setting->words[0] ? ")" : "");
	}
	table_print(&table);
}

static void add_json(const struct request *request, const struct target *target,
		     const struct control_setting *settings, size_t count)
{
	struct json_object *object = json_output_target(target);
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < count; i++)
		if (is_wanted(request, &settings[i]))
			json_object_array_add(array, setting_to_json(&settings[i]));
	json_object_object_add(object, "settings", array);
	json_object_array_add(request->array, object);
}

static bool list_one(struct target *target, void *argument, struct failure *failure)
{
	struct request *request = argument;
	struct reply_rows rows = { .row_bytes = sizeof(struct control_setting) };
	struct connection connection;
	bool done;

	if (!target_connect(target, &connection, failure))
		return false;
	done = connection_ask_rows(&connection, CONTROL_LIST, &rows, failure);
	connection_close(&connection);
	if (done && request->json)
		add_json(request, target, (const void *)rows.rows, rows.count);
	else if (done)
		print_text(request, target, (const void *)rows.rows, rows.count);
	reply_free_rows(&rows);
	return done;
}

static int list_run(int argc, char **argv)
{
	struct request request = { .json = false };
	struct target_list list = { .targets = NULL };
	const struct option_row rows[] = {
		{ "json", 'j', .flag = &request.json },
		{ "all", 'a', .flag = &request.all },
		{ "knobs", 'k', .flag = &request.only_knobs },
		{ NULL },
	};
	enum exit_code code = option_table_take(argc, argv, rows, false);

	if (code != EXIT_DONE)
		return code;
	code = arguments_take_targets("list", argv + optind, request.all, ARGUMENTS_MANY,
				      &list);
	if (code != EXIT_DONE)
		return code;
	request.targets = list.count;
	if (request.json)
		return arguments_visit_json("list", &list, request.all, list_one,
					    &request, &request.array);
	return arguments_visit("list", &list, request.all, list_one, &request);
}

const struct command list_command = {
	.name = "list",
	.arguments = "[-j] [--knobs] [TARGET... | --all]",
	.summary = "list the knobs and counters of a process",
	.help = "  -k, --knobs  only what `hakctl set` can change\n"
		"  -a, --all    every process that can be asked\n"
		"  -j, --json   one JSON object; bytes as integers\n",
	.run = list_run,
};
