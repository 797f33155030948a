/* SPDX-License-Identifier: MIT */
/*
 * reclaim.h - what threads keep but do not use: the bins of those that sleep, messages to
 * heaps without a thread, holes in slabs. Most of it goes to the superslabs, from which
 * upkeep/release_behind gives it back; holes go straight to the system.
 *
 * Who may run with whom: reclaim_tick and its kin the helper alone; reclaim_all any thread
 * that works in no cache; both at once, for a heap is one's at a time.
 */
#ifndef HAKMEM_UPKEEP_RECLAIM_H
#define HAKMEM_UPKEEP_RECLAIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap;

/* clock: monotonic, in ns. */
void reclaim_begin(void);

/* By the last rounds: the heap grows although much of it is free. */
bool reclaim_is_pressed(void);

/* One look at all heaps when it is time. Returns how long to sleep at most, in ns. */
uint64_t reclaim_tick(void);

/* A second at most in all, of naps of this length. */
#define RECLAIM_NAP_NS		100000ull
#define RECLAIM_NAPS_MOST	5000

/* One purge. */
struct reclaim_purge {
	bool by_helper;		/* by what it has for releasing, else by madvise(2) */
	/*
	 * While others work in a cache: the helper, mostly, and it may have to wait for a
	 * processor. 0: what they have in hand is left.
	 */
	unsigned naps;
	/* given back to the system; what went to the superslabs is not among it yet */
	size_t bytes;
};

/* Empties every cache that can be seized, used just now or not, and gives every hole back. */
void reclaim_all(struct reclaim_purge *purge);

/* The same behind it, of those to whom that sent something, or that others have in hand. */
void reclaim_arrived(struct reclaim_purge *purge);

/* Lets them work. False: it was enough. */
bool reclaim_nap(struct reclaim_purge *purge);

/* Gives back the holes of a heap that the caller holds: see by_helper. Returns the bytes. */
size_t reclaim_heap(struct heap *heap, bool by_helper);

/* Since the start, and at the last look. Read by anyone; relaxed. */
struct reclaim_counts {
	size_t seizures;		/* caches emptied */
	size_t emptied;			/* bytes that left their bins */
	size_t combed;			/* bytes given back out of partly used slabs */
	/* bytes in bins of threads that sleep in the middle of a malloc */
	size_t pinned;
	size_t pinned_threads;
};

void reclaim_read(struct reclaim_counts *counts);

#endif
