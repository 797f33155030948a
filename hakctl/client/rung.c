/* SPDX-License-Identifier: MIT */
/* See rung.h. */
#include <config.h>

#include "hakctl/client/rung.h"

#include <stdio.h>
#include <string.h>

#define NAME_OF(rung, name) [rung] = (name),
static const char *const names[] = { RUNG_NAMES_OF_PROCESS(NAME_OF)
					     RUNG_NAMES_OF_MACHINE(NAME_OF) };

void rung_begin(struct control_rung *row, enum rung rung, enum control_rung_state state)
{
	*row = (struct control_rung){ .state = state };
	snprintf(row->name, sizeof(row->name), "%s", names[rung]);
}

enum rung rung_of(const struct control_rung *row)
{
	enum rung rung = 0;

	while (rung < RUNG_COUNT_ALL && strcmp(names[rung], row->name))
		rung++;
	return rung;
}

struct control_rung *rung_without_helper(struct control_rung *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (rung_of(&rows[i]) == RUNG_HELPER && rows[i].state != CONTROL_RUNG_ON)
			return &rows[i];
	return NULL;
}
