/* SPDX-License-Identifier: MIT */
/* See collapsed.h. */
#include <config.h>

#include "hakctl/profile/collapsed.h"

/* A semicolon divides frames. */
static void put_name(const char *name, FILE *file)
{
	for (; *name; name++)
		putc(*name == ';' ? ':' : *name, file);
}

bool collapsed_write(const struct heap_profile *profile, enum profile_value value, FILE *file)
{
	for (size_t i = 0; i < profile->stack_count; i++) {
		const struct profile_stack *stack = &profile->stacks[i];
		double number = stack->values[value];

		if (number > -0.5 && number < 0.5)
			continue;
		for (unsigned k = stack->depth; k-- > 0;) {
			put_name(heap_profile_name(&profile->frames[stack->frames[k]]), file);
			putc(k ? ';' : ' ', file);
		}
		fprintf(file, "%s%.0f\n", stack->depth ? "" : "(stacks that found no room) ",
			number);
	}
	return !fflush(file) && !ferror(file);
}
