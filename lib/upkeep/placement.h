/* SPDX-License-Identifier: MIT */
/*
 * placement.h - whether pages are on the home that their superslab belongs to. Where there is
 * one home (see os/topology.h) nothing here does anything.
 *
 * The kernel populates a superslab from its home whoever touches it first; where that home is
 * full, from the nearest with room. Such pages are misplaced: they are counted, and moved on
 * request.
 *
 * Who may run with whom: anyone with anyone, but for placement_init.
 */
#ifndef HAKMEM_UPKEEP_PLACEMENT_H
#define HAKMEM_UPKEEP_PLACEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* By the library's constructor. What was opened before is of home 0: the calling thread's. */
void placement_init(void);

/* Bytes; of pages in slabs and large blocks, one page in 64 KiB standing for all of them. */
struct placement_counts {
	size_t seen;		/* by the last complete survey */
	size_t misplaced;	/* of these, not at home */
	size_t moved;		/* since the start */
};

void placement_read(struct placement_counts *read);
/* Of a home's superslabs and large blocks, what is not there. */
size_t placement_misplaced_bytes(unsigned home);

/* Looks at everything now. */
void placement_survey(void);

/* By the helper: looks at a part of it once a second. Returns how long it may sleep. */
uint64_t placement_tick(uint64_t now_ns);

/* Whether a superslab that was just populated came from its home, by some of its pages. */
bool placement_is_home(char *start, unsigned home);

/* Moves misplaced pages home, as far as there is room; returns the bytes. */
size_t placement_bring_home(void);

#endif
