/* SPDX-License-Identifier: MIT */
/*
 * Pages being zeroed before anybody asks for them, in address space of their own, from
 * which fault_service moves them to where they are wanted. Called by populate*, by
 * one thread at a time: the helper, or whoever holds its part. It knows units, not what
 * they are for; it never waits for anybody.
 */
#ifndef HAKMEM_STAGING_H
#define HAKMEM_STAGING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum staging_unit {
	STAGING_SMALL, /* of base pages: one call moves them all */
	STAGING_HUGE,  /* one huge page where the kernel has one */
	STAGING_UNITS
};

#define STAGING_UNIT_BYTES    ((size_t)2 << 20)
#define STAGING_MOST_UNITS    128
#define STAGING_ANY_NODE      (-1)

/*
 * One size's units: ready + empty + taken = count.
 *
 *    area  | unit 0 | unit 1 | ... | unit count-1 |      ready[] empty[]: unit numbers
 */
struct staging_pool {
	char *area;
	size_t unit_bytes;
	uint16_t count, ready_count, empty_count;
	uint16_t ready[STAGING_MOST_UNITS];
	uint16_t empty[STAGING_MOST_UNITS];
	uint64_t zeroed_units; /* since open */
	uint64_t moved_units;
};

struct staging {
	char *mapping; /* NULL: nothing was staged since it was opened, or drained */
	size_t mapping_bytes;
	int node;
	int node_error; /* -errno of mbind: pages come from the thread's node */
	struct staging_pool pools[STAGING_UNITS];
};

/* A unit in its taker's hands, zeroed. */
struct staged_range {
	char *start;
};

/* Maps nothing yet. Either count may be 0. node: or STAGING_ANY_NODE. */
int staging_open(struct staging *staging, unsigned int huge_units,
		 unsigned int small_units, int node);
void staging_close(struct staging *staging);

/*
 * Zeroes units until ready are ready, at most `most` of them in this call, which is the
 * time it takes. Returns how many it zeroed: 0 also when there is no address space.
 */
unsigned int staging_refill(struct staging *staging, enum staging_unit unit,
			    unsigned int ready, unsigned int most);
/*
 * Maps, zeroes and unmaps some pages as of a small unit: what it takes tells what a unit
 * will. Returns the bytes; 0: there is no address space.
 */
size_t staging_sample(struct staging *staging);

/*
 * Gives back the pages of all ready units but `keep` of them, and the address space when no unit
 * is ready or taken.
 */
void staging_drain(struct staging *staging, enum staging_unit unit, unsigned int keep);

/* False: none is ready. */
bool staging_take(struct staging *staging, enum staging_unit unit, struct staged_range *range);
/* moved_bytes: how much of it has gone elsewhere. */
void staging_put(struct staging *staging, enum staging_unit unit,
		 const struct staged_range *range, size_t moved_bytes);

#endif
