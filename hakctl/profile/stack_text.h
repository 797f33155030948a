/* SPDX-License-Identifier: MIT */
/* A call stack for people, in one line or several; without what the allocator has on top of it. */
#ifndef HAKCTL_STACK_TEXT_H
#define HAKCTL_STACK_TEXT_H

#include "hakctl/profile/heap_profile.h"

/* Prints frames, innermost first, each in a line of its own behind so many blanks; most at most. */
void stack_text_print(const struct heap_profile *profile, const struct profile_stack *stack,
		      int blanks, unsigned most);

/* The names of its frames, innermost first. */
struct json_object;
struct json_object *stack_text_json(const struct heap_profile *profile,
				    const struct profile_stack *stack);

#endif
