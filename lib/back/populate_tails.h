/* SPDX-License-Identifier: MIT */
/*
 * populate_tails.h - the untouched tails of the slabs of the plain part, which would slow down
 * for long what follows it. A heap that grows fast, or beside which they are little, gets
 * them from the helper too. Called by populate_ahead alone.
 */
#ifndef HAKMEM_BACK_POPULATE_TAILS_H
#define HAKMEM_BACK_POPULATE_TAILS_H

#include <stdbool.h>
#include <stdint.h>

/* Superslabs not looked at yet, of which others are another home's. Zero: none. */
struct populate_tails {
	uint32_t next, end;
	unsigned home;
};

/* superslabs: so many there are when the plain part ends. */
void populate_tails_begin(struct populate_tails *tails, unsigned home, uint32_t superslabs);

/* Those of a few superslabs. superslabs: so many there are now. */
void populate_tails_tick(struct populate_tails *tails, uint32_t superslabs, bool grows_fast);

#endif
