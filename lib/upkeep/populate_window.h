/* SPDX-License-Identifier: MIT */
/*
 * populate_window.h - of which of the next fresh superslabs the first touch, by a thread that
 * finds nothing in stock, brings a huge page. What is fresh behind them is of small pages.
 * Called by populate_ahead alone.
 */
#ifndef HAKMEM_UPKEEP_POPULATE_WINDOW_H
#define HAKMEM_UPKEEP_POPULATE_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

/* Superslabs; zero: none. */
struct populate_window {
	uint32_t first, end;
	uint32_t begun;		/* windows that did not continue another */
};

/* Follows what is fresh of the home; not wanted: what is left of it is plain again. */
void populate_window_move(struct populate_window *window, unsigned home, bool wanted);

#endif
