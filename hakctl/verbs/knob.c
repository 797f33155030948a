/* SPDX-License-Identifier: MIT */
/* See knob.h: what `hakctl get` and `hakctl set` have in common, which is nearly all. */
#include <config.h>

#include "hakctl/verbs/knob.h"

#include <stdio.h>
#include <string.h>

#include "hakctl/client/arguments.h"
#include "hakctl/client/option_table.h"
#include "hakctl/command.h"
#include "hakctl/output/message.h"
#include "hakctl/verbs/setting.h"
#include "support/suggestion.h"

struct request {
	const char *verb;
	bool json, all;
	size_t targets;
	const char *name;
	const char *value; /* set: the new one */
	struct json_object *array;
};

static bool ask(const struct request *request, struct connection *connection,
		struct control_setting *setting, struct failure *failure)
{
	struct control_name name = { .name = "" };
	struct control_change change = { .name = "" };

	if (!request->value) {
		snprintf(name.name, sizeof(name.name), "%s", request->name);
		return connection_ask(connection, CONTROL_GET, &name, sizeof(name),
				      setting, sizeof(*setting), 0, failure);
	}
	snprintf(change.name, sizeof(change.name), "%s", request->name);
	snprintf(change.value, sizeof(change.value), "%s", request->value);
	return connection_ask(connection, CONTROL_SET, &change, sizeof(change), setting,
			      sizeof(*setting), 0, failure);
}

/* The library refuses a name that it does not know; the nearest of its names may be meant. */
static void suggest(const struct request *request, const struct target *target,
		    struct failure *failure)
{
	struct reply_rows rows = { .row_bytes = sizeof(struct control_setting) };
	struct suggestion nearest = suggestion_begin(request->name, 4);
	const struct control_setting *settings;
	struct connection connection;
	struct failure unused;
	bool is_known = false;

	if (!target_connect(target, &connection, &unused))
		return;
	if (connection_ask_rows(&connection, CONTROL_LIST, &rows, &unused)) {
		settings = (const void *)rows.rows;
		for (size_t i = 0; i < rows.count; i++) {
			is_known |= !strcmp(settings[i].name, request->name);
			suggestion_offer(&nearest, settings[i].name);
		}
		if (!is_known && nearest.word)
			failure_set(failure, failure->code,
				    "no knob or counter \"%s\"; did you mean \"%s\"?",
				    request->name, nearest.word);
		else if (!is_known)
			failure_set(failure, failure->code,
				    "no knob or counter \"%s\"; `hakctl list %d` has all",
				    request->name, (int)target->process.pid);
	}
	connection_close(&connection);
	reply_free_rows(&rows);
}

static bool get_one(struct target *target, void *argument, struct failure *failure)
{
	struct request *request = argument;
	struct control_setting setting;
	struct connection connection;
	struct json_object *object;
	bool done;

	if (!target_connect(target, &connection, failure))
		return false;
	done = ask(request, &connection, &setting, failure);
	connection_close(&connection);
	if (!done) {
		suggest(request, target, failure);
		return false;
	}
	if (request->json) {
		object = json_output_target(target);
		json_object_object_add(object, "setting", setting_to_json(&setting));
		json_object_array_add(request->array, object);
	} else if (request->targets > 1) {
		printf("%s: %s\n", target_label(target), setting_value(&setting).text);
	} else {
		printf("%s\n", setting_value(&setting).text);
	}
	return true;
}

/* VERB NAME [TARGET...], or VERB NAME VALUE [TARGET]. */
static enum exit_code take_words(struct request *request, char **words, bool is_set,
				 char ***targets)
{
	if (!words[0] || (is_set && !words[1])) {
		message_error("%s: %s; `hakctl list` has the names", request->verb,
			      is_set ? "wants a name and a value" : "wants a name");
		return EXIT_USAGE;
	}
	request->name = words[0];
	if (is_set)
		request->value = words[1];
	*targets = words + (is_set ? 2 : 1);
	if (strlen(request->name) >= sizeof(((struct control_name *)NULL)->name) ||
	    (is_set &&
	     strlen(request->value) >= sizeof(((struct control_change *)NULL)->value))) {
		message_error("%s: \"%s\": no knob has so long a name or value",
			      request->verb, request->name);
		return EXIT_USAGE;
	}
	return EXIT_DONE;
}

/* The target was written in front, as some tools have it. */
static void explain_order(const struct request *request, char **targets)
{
	struct target_list list = { .targets = NULL };
	struct failure unused;

	if (target_list_find(&list, request->name, &unused))
		message_error("%s: \"%s\" is a process, which comes last: "
			      "`hakctl %s %s%s%s %s`",
			      request->verb, request->name, request->verb,
			      request->value ? request->value : "",
			      request->value ? " " : "", targets[0], request->name);
	target_list_free(&list);
}

static enum exit_code take_options(struct request *request, int argc, char **argv)
{
	const struct option_row rows[] = {
		{ "json", 'j', .flag = &request->json },
		{ "all", 'a', .flag = &request->all },
		{ NULL },
	};

	return option_table_take(argc, argv, rows, false);
}

int knob_run(int argc, char **argv, bool is_set)
{
	struct request request = { .verb = argv[0] };
	struct target_list list = { .targets = NULL };
	char **targets = argv + argc; /* none */
	enum exit_code code = take_options(&request, argc, argv);

	if (code == EXIT_DONE)
		code = take_words(&request, argv + optind, is_set, &targets);
	if (code == EXIT_DONE)
		code = arguments_take_targets(request.verb, targets, request.all,
					      is_set ? ARGUMENTS_ONE : ARGUMENTS_MANY,
					      &list);
	if (code == EXIT_NO_TARGET && targets[0])
		explain_order(&request, targets);
	if (code != EXIT_DONE)
		return code;
	request.targets = list.count;
	if (request.json)
		return arguments_visit_json(request.verb, &list, request.all, get_one,
					    &request, &request.array);
	return arguments_visit(request.verb, &list, request.all, get_one, &request);
}
