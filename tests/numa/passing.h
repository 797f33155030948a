/* SPDX-License-Identifier: MIT */
/*
 * Threads on all nodes replace blocks of every size class, pass some to a thread of the next
 * node, which frees them, and may move from node to node meanwhile; and how many of their live
 * blocks, and of these blocks' pages, are where they should be. Used by stays_home and by
 * bench/numa. One run at a time.
 */
#ifndef TESTS_NUMA_PASSING_H
#define TESTS_NUMA_PASSING_H

#include <stddef.h>

#include "tests/numa/placement.h"

struct passing {
	unsigned operations;		/* of all threads together */
	unsigned moves;			/* of each thread, to the next node */
	void (*begin)(void);		/* each thread, before anything else; NULL: nothing */
};

/* What was placed where. */
struct placed_blocks {
	struct placed pages;
	size_t blocks, blocks_right;	/* all of whose pages are right */
};

/*
 * Returns when the threads have ended; what they had then stays alive. The faults of all threads.
 */
size_t passing_run(const struct passing *passing);
struct placed_blocks passing_count(void);

/* Writes to the block: of a large one to some pages only, since a guest is slow. */
void passing_touch(char *block, size_t size);
void passing_add(struct placed_blocks *found, const void *block, size_t size, int node);
/* The node, with CPUs, of the n-th thread. */
int passing_node(unsigned number);

/*
 * The same of threads that come and go, one after the other on all nodes, and leave half of their
 * blocks.
 */
size_t passing_run_short(void (*begin)(void));
struct placed_blocks passing_count_short(void);

#endif
