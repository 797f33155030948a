/* SPDX-License-Identifier: MIT */
/* See stack_text.h. */
#include <config.h>

#include "hakctl/profile/stack_text.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "hakctl/client/json_output.h"
#include "hakctl/output/style.h"

#define STACKS_SHOWN 10
#define FRAMES_SHOWN 6

/* Of a file its name and the folder that it is in. */
static const char *short_path(const char *path)
{
	const char *last = strrchr(path, '/'), *before = last;

	while (before && before > path && before[-1] != '/')
		before--;
	return before && before > path ? before : path;
}

static void print_frame(const struct heap_profile *profile, const struct profile_frame *frame,
			int blanks)
{
	const char *path = frame->mapping && frame->mapping <= profile->mapping_count ?
				   profile->mappings[frame->mapping - 1].path :
				   "";
	int room = style_columns() ? style_columns() - blanks - 1 : 4096;

	printf("%*s%.*s", blanks, "", room, heap_profile_name(frame));
	room -= (int)strlen(heap_profile_name(frame)) + 2;
	if (*frame->file && room > 8)
		printf("  %s%.*s:%u%s", style_begin(STYLE_FAINT), room - 7, short_path(frame->file),
		       frame->line, style_end(STYLE_FAINT));
	else if (*path && room > 8)
		printf("  %s%.*s%s", style_begin(STYLE_FAINT), room, short_path(path),
		       style_end(STYLE_FAINT));
	putchar('\n');
}

void stack_text_print(const struct heap_profile *profile, const struct profile_stack *stack,
		      int blanks, unsigned most)
{
	for (unsigned i = 0; i < stack->depth && i < most; i++)
		print_frame(profile, &profile->frames[stack->frames[i]], blanks);
	if (stack->depth > most)
		printf("%*s%s+ %u more%s\n", blanks, "", style_begin(STYLE_FAINT),
		       stack->depth - most, style_end(STYLE_FAINT));
	if (!stack->depth)
		printf("%*s(stacks that found no room)\n", blanks, "");
}

/* The names of its frames, innermost first. */
static struct json_object *frames_of(const struct heap_profile *profile,
				     const struct profile_stack *stack)
{
	struct json_object *frames = json_object_new_array();

	for (unsigned i = 0; i < stack->depth; i++)
		json_object_array_add(frames, json_object_new_string(heap_profile_name(
						      &profile->frames[stack->frames[i]])));
	return frames;
}

bool stack_text_print_rows(const struct heap_profile *profile, const struct stack_text_rows *rows)
{
	size_t shown = 0;

	for (; shown < profile->stack_count && shown < STACKS_SHOWN; shown++) {
		const struct profile_stack *stack = &profile->stacks[shown];

		if (!rows->matters(stack))
			break;
		rows->print(profile, stack);
		stack_text_print(profile, stack, 4, FRAMES_SHOWN);
	}
	return shown;
}

struct json_object *stack_text_json_rows(const struct target *target,
					 const struct heap_profile *profile,
					 const struct stack_text_rows *rows)
{
	struct json_object *object = json_output_target(target);
	struct json_object *stacks = json_object_new_array();

	for (size_t i = 0; i < profile->stack_count && rows->matters(&profile->stacks[i]); i++) {
		struct json_object *row = json_object_new_object();

		rows->add(row, profile, &profile->stacks[i]);
		json_object_object_add(row, "frames", frames_of(profile, &profile->stacks[i]));
		json_object_array_add(stacks, row);
	}
	json_object_object_add(object, "stacks", stacks);
	return object;
}
