/* SPDX-License-Identifier: MIT */
/* A call stack for people, in one line or several; without what the allocator has on top of it. */
#ifndef HAKCTL_STACK_TEXT_H
#define HAKCTL_STACK_TEXT_H

#include <stdbool.h>

#include "hakctl/client/target.h"
#include "hakctl/profile/heap_profile.h"

/* Prints frames, innermost first, each in a line of its own behind so many blanks; most at most. */
void stack_text_print(const struct heap_profile *profile, const struct profile_stack *stack,
		      int blanks, unsigned most);

/* How a verb shows the stacks of a profile, the first of which matter most. */
struct json_object;
struct stack_text_rows {
	bool (*matters)(const struct profile_stack *stack); /* where it does not, the rest do not */
	void (*print)(const struct heap_profile *profile, const struct profile_stack *stack);
	void (*add)(struct json_object *row, const struct heap_profile *profile,
		    const struct profile_stack *stack);
};

/* Ten of them, each a line of the verb's and some frames. False: none matters. */
bool stack_text_print_rows(const struct heap_profile *profile, const struct stack_text_rows *rows);
/* All of them, in an object for the target. */
struct json_object *stack_text_json_rows(const struct target *target,
					 const struct heap_profile *profile,
					 const struct stack_text_rows *rows);

#endif
