/* SPDX-License-Identifier: MIT */
/* `hakctl limit`: a budget for the heap of a running process; without options, what it is. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "hakctl/client/arguments.h"
#include "hakctl/command.h"
#include "hakctl/client/json_output.h"
#include "hakctl/client/option_table.h"
#include "hakctl/output/paragraph.h"
#include "hakctl/output/units.h"

static const char *const actions[] = { "null", "throttle", "abort", NULL };

struct request {
	bool all, json;
	struct control_limit limit;
	struct json_object *array;
};

static const char *action_name(uint32_t action)
{
	return action < 3 ? actions[action] : "unknown";
}

static struct units_text limit_text(uint64_t bytes)
{
	struct units_text none = { "none" };

	if (bytes == UINT64_MAX)
		return none;
	/* What was meant as mebibytes and is bytes shall be seen. */
	return bytes < 1 << 20 ? units_size(bytes) : units_mebibytes(bytes);
}

static void print(const struct request *request, const struct target *target,
		  const struct control_limit *limit)
{
	struct json_object *object;

	if (!request->json) {
		paragraph_line(0, "%s: soft %s, hard %s, action %s", target_label(target),
		       limit_text(limit->soft_bytes).text,
		       limit_text(limit->hard_bytes).text, action_name(limit->action));
		return;
	}
	object = json_output_target(target);
	json_output_limit(object, "soft_bytes", limit->soft_bytes);
	json_output_limit(object, "hard_bytes", limit->hard_bytes);
	json_output_text(object, "action", action_name(limit->action));
	json_object_array_add(request->array, object);
}

static bool set_limit(struct target *target, void *argument, struct failure *failure)
{
	struct request *request = argument;
	struct control_limit limit;
	struct connection connection;
	bool done;

	if (!target_connect(target, &connection, failure))
		return false;
	done = connection_ask(&connection, CONTROL_LIMIT, &request->limit,
			      sizeof(request->limit), &limit, sizeof(limit), 0, failure);
	connection_close(&connection);
	if (done)
		print(request, target, &limit);
	return done;
}

static enum exit_code take_options(struct request *request, int argc, char **argv)
{
	static const char a_size[] = "a size such as 512M, or none";
	struct control_limit *limit = &request->limit;
	const struct option_row rows[] = {
		{ "soft", .bytes = &limit->soft_bytes, .parse = option_table_parse_limit,
		  .set = &limit->set, .bit = CONTROL_LIMIT_SOFT, .expected = a_size },
		{ "hard", .bytes = &limit->hard_bytes, .parse = option_table_parse_limit,
		  .set = &limit->set, .bit = CONTROL_LIMIT_HARD, .expected = a_size },
		{ "action", .word = &limit->action, .words = actions,
		  .set = &limit->set, .bit = CONTROL_LIMIT_WHAT,
		  .expected = "null, throttle or abort" },
		{ "force", .set = &limit->set, .bit = CONTROL_LIMIT_FORCE },
		{ "all", 'a', .flag = &request->all },
		{ "json", 'j', .flag = &request->json },
		{ NULL },
	};

	return option_table_take(argc, argv, rows, false);
}

static int limit_run(int argc, char **argv)
{
	struct request request = { .all = false };
	struct target_list list = { .targets = NULL };
	enum exit_code code = take_options(&request, argc, argv);

	if (code == EXIT_DONE)
		code = arguments_take_targets(
			"limit", argv + optind, request.all,
			request.limit.set ? ARGUMENTS_ONE : ARGUMENTS_MANY, &list);
	if (code != EXIT_DONE)
		return code;
	if (request.json)
		return arguments_visit_json("limit", &list, request.all, set_limit,
					    &request, &request.array);
	return arguments_visit("limit", &list, request.all, set_limit, &request);
}

const struct command limit_command = {
	.name = "limit",
	.arguments = "[-j] [--soft SIZE] [--hard SIZE] [--action null|throttle|abort] "
		     "[--force] [TARGET | --all]",
	.summary = "set or show the memory budget of a process",
	.help = "      --soft SIZE    above it, free memory goes back at once\n"
		"      --hard SIZE    the heap does not grow beyond it\n"
		"      --action WORD  at the hard limit: null (malloc fails), throttle (threads\n"
		"                     wait for memory a while first), abort\n"
		"      --force        also below what the heap holds, and soft above hard\n"
		"  -a, --all          every process that can be asked\n"
		"  -j, --json         one JSON object; bytes as integers\n"
		"\n"
		"SIZE is a number with K, M, G or T behind it, or none. Without a size or an action\n"
		"the limits in force are shown.\n",
	.run = limit_run,
};
