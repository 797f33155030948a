/* SPDX-License-Identifier: MIT */
/*
 * populate_spares.h - superslabs without pages in the helper's hand, a home's: those that it will
 * fill, bounded in number and in mappings, armed if there is a service; and a surplus that nobody
 * has room for just now. Called by populate_ahead alone.
 */
#ifndef HAKMEM_UPKEEP_POPULATE_SPARES_H
#define HAKMEM_UPKEEP_POPULATE_SPARES_H

#include <stdint.h>

#include "back/reservation.h"
#include "upkeep/populate_fill.h"

#define POPULATE_SPARES_MOST	1024

/* Superslabs side by side, armed; those from next on are missing. */
struct populate_batch {
	uint32_t first, next, end;
};

/* Zero: none. */
struct populate_spares {
	unsigned home;
	struct populate_fill *fill;	/* which arms */
	struct populate_batch batch;	/* fresh ones */
	uint32_t numbers[POPULATE_SPARES_MOST];
	uint32_t count;
	uint32_t runs;		/* of such as lie side by side */
	uint32_t surplus;	/* a link, by surplus_link */
};

void populate_spares_begin(struct populate_spares *spares, unsigned home,
			   struct populate_fill *fill);

/* Under a limit of what may be mapped nothing is held back that a thread may need. */
uint32_t populate_spares_share(uint32_t most);

static inline char *populate_spares_start(uint32_t superslab)
{
	return reservation_unit_start((size_t)superslab * SUPERSLAB_UNITS);
}

/* The next superslab to fill; it is armed if anything is. SUPERSLAB_NONE: there is none. */
uint32_t populate_spares_next(struct populate_spares *spares);

/* It is armed, and stays so for a later tick. */
void populate_spares_push(struct populate_spares *spares, uint32_t superslab);
/* No mapping is left to split with: armed memory is handed out to nobody. */
void populate_spares_take_back(struct populate_spares *spares, uint32_t superslab);
/* Plain and without pages, for whoever takes it first. */
void populate_spares_put_plain(struct populate_spares *spares, uint32_t superslab);
/* Without pages, side by side: armed and kept, by one call, or plain. */
void populate_spares_keep(struct populate_spares *spares, uint32_t first, uint32_t superslabs);

/* As much of the surplus as the stock has room for. */
void populate_spares_put_surplus(struct populate_spares *spares);
/* Those that were released whole. They come in runs, one way or the other round. */
void populate_spares_take_retired(struct populate_spares *spares);

/* All of it is plain. */
void populate_spares_give_up(struct populate_spares *spares);

#endif
