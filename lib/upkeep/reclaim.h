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

/*
 * Empties every cache that can be seized, used just now or not, and gives every hole back.
 * by_helper: by what it has for releasing, else by madvise(2). Returns the bytes given back
 * to the system; what went to the superslabs is not among them yet.
 */
size_t reclaim_all(bool by_helper);

/* The holes of a heap that the caller holds, by madvise(2). */
size_t reclaim_heap(struct heap *heap);

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
