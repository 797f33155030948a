/* SPDX-License-Identifier: MIT */
/*
 * stock.h - superslabs that pass between application threads and the helper, without a lock:
 * a helper that is stopped anywhere holds up nobody.
 *
 *   STOCK_READY    populated to the last byte, zero      helper ──► application
 *   STOCK_SPARE    plain, without pages                  helper ──► application
 *   STOCK_RETIRED  wholly free, released                 application ──► helper
 *   fresh          opened, never used                    application ──► both
 *
 * Who may run with whom: anyone with anyone. Each store is a few slots; a superslab is in one
 * slot or in somebody's hand, never both, so nothing can be taken twice and there is no ABA.
 */
#ifndef HAKMEM_BACK_STOCK_H
#define HAKMEM_BACK_STOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "back/reservation.h"

enum stock_kind { STOCK_READY, STOCK_SPARE, STOCK_RETIRED, STOCK_KINDS };

#define STOCK_SLOTS	64	/* of a kind */

/* Everything is kept for each home apart: see os/topology.h. */

/* False: all slots are in use; the caller keeps it. */
bool stock_push(unsigned home, enum stock_kind kind, uint32_t superslab);
/* SUPERSLAB_NONE: empty. */
uint32_t stock_pop(unsigned home, enum stock_kind kind);
unsigned stock_length(unsigned home, enum stock_kind kind);
/* What lies in a slot just now, without taking it; SUPERSLAB_NONE: nothing. */
uint32_t stock_look(unsigned home, enum stock_kind kind, unsigned slot);

/*
 * What is opened becomes fresh. What was left of the range before is joined to it, or, where
 * they do not touch, comes back to the caller.
 */
void stock_set_fresh(unsigned home, uint32_t first, uint32_t end, uint32_t *old_first,
		     uint32_t *old_end);
/* Takes up to count fresh ones, side by side; returns how many. */
uint32_t stock_take_fresh(unsigned home, uint32_t count, uint32_t *first);

/* What is fresh just now, without taking it. */
void stock_read_fresh(unsigned home, uint32_t *first, uint32_t *end);

/* Superslabs taken by application threads since the start: all, and those not from the stock. */
struct stock_demand {
	uint32_t taken;
	uint32_t missed;
};

void stock_note_taken(unsigned home, bool missed);
struct stock_demand stock_read_demand(unsigned home);

#endif
