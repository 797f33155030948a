/* SPDX-License-Identifier: MIT */
/* `hakctl frag`: whose blocks keep pages from going back, by call stack. */
#include <config.h>

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#include "hakctl/client/arguments.h"
#include "hakctl/command.h"
#include "hakctl/output/paragraph.h"
#include "hakctl/output/units.h"
#include "hakctl/profile/stack_text.h"

static int by_pinned(const void *a, const void *b)
{
	const struct profile_stack *one = a, *other = b;

	return (one->pinned_bytes < other->pinned_bytes) -
	       (one->pinned_bytes > other->pinned_bytes);
}

static bool matters(const struct profile_stack *stack)
{
	return stack->pinned_bytes > 0;
}

static void print(const struct heap_profile *profile, const struct profile_stack *stack)
{
	(void)profile;
	putchar('\n');
	paragraph_line(0, "%s pinned by %s live in %s blocks (%s samples)",
		       units_size((uint64_t)stack->pinned_bytes).text,
		       units_size((uint64_t)stack->values[PROFILE_LIVE_BYTES]).text,
		       units_count(stack->values[PROFILE_LIVE_OBJECTS]).text,
		       units_count((double)stack->samples).text);
}

static void add(struct json_object *row, const struct heap_profile *profile,
		const struct profile_stack *stack)
{
	(void)profile;
	json_output_number(row, "pinned_bytes", (uint64_t)stack->pinned_bytes);
	json_output_number(row, "live_bytes", (uint64_t)stack->values[PROFILE_LIVE_BYTES]);
	json_output_number(row, "live_objects", (uint64_t)stack->values[PROFILE_LIVE_OBJECTS]);
	json_output_number(row, "samples", stack->samples);
}

static bool show(struct target *target, void *argument, struct failure *failure)
{
	static const struct stack_text_rows rows = { matters, print, add };
	struct arguments_looking *request = argument;
	struct heap_profile profile;

	if (!heap_profile_fetch(target, 0, &profile, failure))
		return false;
	qsort(profile.stacks, profile.stack_count, sizeof(*profile.stacks), by_pinned);
	if (request->json) {
		json_object_array_add(request->array,
				      stack_text_json_rows(target, &profile, &rows));
		return true;
	}
	paragraph_line(0, "%s: what would go back if the blocks of a call stack went",
		       target_label(target));
	if (!stack_text_print_rows(&profile, &rows))
		paragraph_line(0, "no block that was sampled lives: what was allocated before the "
				  "profile began is not in it");
	return true;
}

static int frag_run(int argc, char **argv)
{
	return arguments_look("frag", argc, argv, show);
}

const struct command frag_command = {
	.name = "frag",
	.arguments = "[-j] [TARGET... | --all]",
	.summary = "show which call stacks keep pages from going back",
	.help = "  -a, --all   every process that can be asked\n"
		"  -j, --json  one JSON object; bytes as integers\n"
		"\n"
		"For each call stack: the pages that would be free if all blocks that it has allocated\n"
		"went, whatever little of them these fill; a page that blocks of several stacks share\n"
		"is divided among them. By samples, so a profile must be on: `hakctl profile start`.\n",
	.run = frag_run,
};
