/* SPDX-License-Identifier: MIT */
/*
 * strays.c - see strays.h.
 */
#include <config.h>

#include "entry/strays.h"

#define KEPT	64

static struct control_stray kept[KEPT];
static uint32_t noted;

void strays_note(const struct control_stray *stray)
{
	kept[noted++ % KEPT] = *stray;
}

uint32_t strays_count(void)
{
	return noted < KEPT ? noted : KEPT;
}

uint32_t strays_read(struct control_stray *rows, uint32_t first, uint32_t most)
{
	uint32_t oldest = noted - strays_count(), i;

	for (i = 0; i < most && first + i < strays_count(); i++)
		rows[i] = kept[(oldest + first + i) % KEPT];
	return i;
}
