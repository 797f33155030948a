/* SPDX-License-Identifier: MIT */
/* See arguments.h; every verb that has a target uses it. */
#include <config.h>

#include "hakctl/client/arguments.h"
#include "hakctl/client/option_table.h"

#include <stdio.h>
#include <string.h>

#include "hakctl/client/roll_call.h"
#include "hakctl/output/message.h"

enum exit_code arguments_bad_value(const char *verb, const char *option,
				   const char *value, const char *expected)
{
	message_error("%s: %s wants %s, not \"%s\"", verb, option, expected, value);
	return EXIT_USAGE;
}

enum exit_code arguments_exclude(const char *verb, const char *option, const char *other)
{
	message_error("%s: %s and %s exclude each other", verb, option, other);
	return EXIT_USAGE;
}

/* "12 (redis-server), 13 (postgres), ..." */
static void list_some(const struct target_list *list, char *text, size_t bytes)
{
	size_t length = 0;

	for (size_t i = 0; i < list->count && length < bytes; i++)
		length += (size_t)snprintf(
				  text + length, bytes - length, "%s%s", i ? ", " : "",
				  i < 4 ? target_label(&list->targets[i]) : "...") +
			  (i >= 4 ? bytes : 0);
}

static void keep_ready(struct target_list *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++)
		if (list->targets[i].state != TARGET_SILENT)
			list->targets[kept++] = list->targets[i];
	list->count = kept;
}

static enum exit_code take_the_only_one(const char *verb, enum arguments_targets how,
					struct target_list *list)
{
	char text[400];

	target_list_all(list);
	if (list->count > 1 && how != ARGUMENTS_OUTSIDE)
		keep_ready(list);
	if (list->count == 1)
		return EXIT_DONE;
	if (list->count == 0) {
		message_error(
			"%s: no process on hakmem that can be asked; `hakctl ps` lists "
			"them, `hakctl run -- COMMAND` starts one",
			verb);
		return EXIT_NO_TARGET;
	}
	list_some(list, text, sizeof(text));
	message_error("%s: which? Name one, or --all: %s", verb, text);
	return EXIT_USAGE;
}

static enum exit_code take_words(const char *verb, char **words, bool all,
				 enum arguments_targets how, struct target_list *list)
{
	for (; *words; words++) {
		struct failure failure;
		struct target_list found = { .targets = NULL };
		char text[400];

		if (!target_list_find(&found, *words, &failure)) {
			message_error("%s: %s", verb, failure.text);
			if (list->missing == EXIT_DONE)
				list->missing = failure.code;
			continue;
		}
		if (found.count > 1 && how == ARGUMENTS_ONE && !all) {
			list_some(&found, text, sizeof(text));
			message_error(
				"%s: %s means %zu processes; give a PID, or --all for "
				"every one: %s",
				verb, *words, found.count, text);
			target_list_free(&found);
			return EXIT_USAGE;
		}
		target_list_join(list, &found);
	}
	/* The others are there to be shown. */
	return list->count ? EXIT_DONE : list->missing;
}

enum exit_code arguments_take_targets(const char *verb, char **words, bool all,
				      enum arguments_targets how,
				      struct target_list *list)
{
	enum exit_code code;

	if (*words) {
		code = take_words(verb, words, all, how, list);
		roll_call(list);
		return code;
	}
	if (!all)
		return take_the_only_one(verb, how, list);
	target_list_all(list);
	if (how != ARGUMENTS_OUTSIDE)
		keep_ready(list);
	roll_call(list);
	if (list->count)
		return EXIT_DONE;
	message_error("%s: no process on hakmem that can be asked; `hakctl ps` says why",
		      verb);
	return EXIT_NO_TARGET;
}

enum exit_code arguments_visit(const char *verb, struct target_list *list, bool all,
			       bool (*act)(struct target *target, void *argument,
					   struct failure *failure),
			       void *argument)
{
	enum exit_code code = list->missing;

	for (size_t i = 0; i < list->count; i++) {
		struct target *target = &list->targets[i];
		struct failure failure = { .code = EXIT_REFUSED };

		if (act(target, argument, &failure))
			continue;
		/* One of many that has just ended is no failure of the whole. */
		if (all && failure.code == EXIT_NO_TARGET)
			continue;
		message_error("%s: %s: %s", verb, target_label(target), failure.text);
		if (code == EXIT_DONE)
			code = failure.code;
	}
	return code;
}

enum exit_code arguments_visit_json(const char *verb, struct target_list *list, bool all,
				    bool (*act)(struct target *target, void *argument,
						struct failure *failure),
				    void *argument, struct json_object **array)
{
	struct json_object *object = json_output_begin(verb);
	enum exit_code code;

	*array = json_object_new_array();
	json_object_object_add(object, "processes", *array);
	code = arguments_visit(verb, list, all, act, argument);
	json_output_end(object);
	return code;
}

int arguments_look(const char *verb, int argc, char **argv,
		   bool (*act)(struct target *target, void *argument,
			       struct failure *failure))
{
	struct arguments_looking looking = { .json = false };
	struct target_list list = { .targets = NULL };
	const struct option_row rows[] = {
		{ "json", 'j', .flag = &looking.json },
		{ "all", 'a', .flag = &looking.all },
		{ NULL },
	};
	enum exit_code code = option_table_take(argc, argv, rows, false);

	if (code != EXIT_DONE)
		return code;
	code = arguments_take_targets(verb, argv + optind, looking.all, ARGUMENTS_MANY,
				      &list);
	if (code != EXIT_DONE)
		return code;
	if (looking.json)
		return arguments_visit_json(verb, &list, looking.all, act, &looking,
					    &looking.array);
	return arguments_visit(verb, &list, looking.all, act, &looking);
}
