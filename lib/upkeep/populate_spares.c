/* SPDX-License-Identifier: MIT */
/*
 * populate_spares.c - see populate_spares.h.
 */
#include <config.h>

#include "upkeep/populate_spares.h"

#include "back/superslab_record.h"

#define RUNS_MOST	16	/* armed, one is two mappings more at most; windows take others */

/* How many runs one more spare makes: fewer than none where it joins two. */
static int runs_with(const struct populate_spares *spares, uint32_t superslab)
{
	uint32_t i;
	int runs = 1;

	for (i = 0; i < spares->count; i++)
		runs -= spares->numbers[i] + 1 == superslab || superslab + 1 == spares->numbers[i];
	return runs;
}

bool populate_spares_have_room(const struct populate_spares *spares, uint32_t superslab,
			       uint32_t most)
{
	return spares->count < most &&
	       (int)spares->runs + runs_with(spares, superslab) <= RUNS_MOST;
}

void populate_spares_push(struct populate_spares *spares, uint32_t superslab)
{
	spares->runs += (uint32_t)runs_with(spares, superslab);
	spares->numbers[spares->count++] = superslab;
}

uint32_t populate_spares_pop(struct populate_spares *spares)
{
	uint32_t spare = spares->numbers[--spares->count];

	spares->runs -= (uint32_t)runs_with(spares, spare);
	return spare;
}

void populate_spares_push_surplus(struct populate_spares *spares, uint32_t superslab)
{
	superslab_at(superslab)->surplus_link = spares->surplus;
	spares->surplus = superslab + 1;
}

uint32_t populate_spares_pop_surplus(struct populate_spares *spares)
{
	uint32_t superslab = spares->surplus - 1;

	spares->surplus = superslab_at(superslab)->surplus_link;
	return superslab;
}
