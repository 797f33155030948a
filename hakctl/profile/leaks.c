/* SPDX-License-Identifier: MIT */
/* `hakctl leaks`: which call stacks hold more and more, between two looks at a running process. */
#include <config.h>

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "hakctl/client/arguments.h"
#include "hakctl/client/option_table.h"
#include "hakctl/command.h"
#include "hakctl/output/paragraph.h"
#include "hakctl/output/units.h"
#include "hakctl/profile/stack_text.h"

#define SECONDS	     10.0
#define NS	     1000000000ull

struct request {
	bool json, all;
	double seconds;
	struct json_object *array;
};

static int by_growth(const void *a, const void *b)
{
	const struct profile_stack *one = a, *other = b;
	double grown = one->values[PROFILE_LIVE_BYTES], others = other->values[PROFILE_LIVE_BYTES];

	return (grown < others) - (grown > others);
}

static uint64_t age_of(const struct heap_profile *profile, const struct profile_stack *stack)
{
	return stack->oldest_ns < profile->state.now_ns ?
		       (profile->state.now_ns - stack->oldest_ns) / NS :
		       0;
}

static bool matters(const struct profile_stack *stack)
{
	return stack->values[PROFILE_LIVE_BYTES] >= 1;
}

static void print(const struct heap_profile *profile, const struct profile_stack *stack)
{
	putchar('\n');
	paragraph_line(0, "+ %s, now %s; %s of it older than that, the oldest %s",
	       units_size((uint64_t)stack->values[PROFILE_LIVE_BYTES]).text,
	       units_size((uint64_t)stack->held_bytes).text,
	       units_size((uint64_t)stack->old_bytes).text,
	       units_duration(age_of(profile, stack)).text);
}

static void add(struct json_object *row, const struct heap_profile *profile,
		const struct profile_stack *stack)
{
	json_output_number(row, "grown_bytes", (uint64_t)stack->values[PROFILE_LIVE_BYTES]);
	json_output_number(row, "live_bytes", (uint64_t)stack->held_bytes);
	json_output_number(row, "older_bytes", (uint64_t)stack->old_bytes);
	json_output_number(row, "oldest_seconds", age_of(profile, stack));
}

static bool show(struct target *target, void *argument, struct failure *failure)
{
	static const struct stack_text_rows rows = { matters, print, add };
	struct request *request = argument;
	struct heap_profile before, now;

	if (!heap_profile_fetch(target, 0, &before, failure))
		return false;
	usleep((useconds_t)(request->seconds * 1e6));
	if (!heap_profile_fetch(target, before.state.now_ns, &now, failure))
		return false;
	/* What it holds; its values become what it grew by. */
	for (size_t i = 0; i < now.stack_count; i++)
		now.stacks[i].held_bytes = now.stacks[i].values[PROFILE_LIVE_BYTES];
	heap_profile_subtract(&now, &before);
	qsort(now.stacks, now.stack_count, sizeof(*now.stacks), by_growth);
	if (request->json) {
		json_object_array_add(request->array, stack_text_json_rows(target, &now, &rows));
		return true;
	}
	paragraph_line(0, "%s: what lives, and grew within %g s", target_label(target),
		       request->seconds);
	if (!stack_text_print_rows(&now, &rows))
		printf("nothing grew\n");
	return true;
}

static int leaks_run(int argc, char **argv)
{
	struct request request = { .seconds = SECONDS };
	struct target_list list = { .targets = NULL };
	const struct option_row rows[] = {
		{ "seconds", .seconds = &request.seconds,
		  .expected = "a time such as 10, 2m or 500ms" },
		{ "all", 'a', .flag = &request.all },
		{ "json", 'j', .flag = &request.json },
		{ NULL },
	};
	enum exit_code code = option_table_take(argc, argv, rows, false);

	if (code != EXIT_DONE)
		return code;
	code = arguments_take_targets("leaks", argv + optind, request.all, ARGUMENTS_MANY, &list);
	if (code != EXIT_DONE)
		return code;
	if (request.json)
		return arguments_visit_json("leaks", &list, request.all, show, &request,
					    &request.array);
	return arguments_visit("leaks", &list, request.all, show, &request);
}

const struct command leaks_command = {
	.name = "leaks",
	.arguments = "[-j] [--seconds TIME] [TARGET... | --all]",
	.summary = "show which call stacks hold more and more",
	.help = "      --seconds TIME  between the two looks: 10, 2m (default 10)\n"
		"  -a, --all           every process that can be asked\n"
		"  -j, --json          one JSON object; bytes as integers\n"
		"\n"
		"For each call stack that holds more than at the first look: by how much, what it holds,\n"
		"how much of that was there before the first look, and how old the oldest sample is. By\n"
		"samples, so a profile must be on: `hakctl profile start`. The longer it waits, the surer.\n",
	.run = leaks_run,
};
