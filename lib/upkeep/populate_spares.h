/* SPDX-License-Identifier: MIT */
/*
 * populate_spares.h - superslabs without pages in the helper's hand: those that it will fill,
 * bounded in number and in mappings, and a surplus that nobody has room for just now. Called
 * by populate_ahead alone.
 */
#ifndef HAKMEM_UPKEEP_POPULATE_SPARES_H
#define HAKMEM_UPKEEP_POPULATE_SPARES_H

#include <stdbool.h>
#include <stdint.h>

#define POPULATE_SPARES_MOST	1024

/* Zero: none. */
struct populate_spares {
	uint32_t numbers[POPULATE_SPARES_MOST];
	uint32_t count;
	uint32_t runs;		/* of such as lie side by side */
	uint32_t surplus;	/* index + 1, by surplus_link */
};

/* Whether one more would pass neither most nor the bound on mappings. */
bool populate_spares_have_room(const struct populate_spares *spares, uint32_t superslab,
			       uint32_t most);
void populate_spares_push(struct populate_spares *spares, uint32_t superslab);
/* There is one. */
uint32_t populate_spares_pop(struct populate_spares *spares);

/* Nobody but the helper knows them until there is room in the stock. */
void populate_spares_push_surplus(struct populate_spares *spares, uint32_t superslab);
uint32_t populate_spares_pop_surplus(struct populate_spares *spares);

#endif
