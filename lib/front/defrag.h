/* SPDX-License-Identifier: MIT */
/*
 * defrag.h - for a program that moves its blocks closer together: which of them it should move
 * (hak_defrag_hint), and blocks past the bins, so that what it frees is not what it gets next.
 *
 * Who may run with whom: anyone with anyone. What another thread owns is read as it is at some
 * moment; a hint that is wrong then costs a move.
 */
#ifndef HAKMEM_FRONT_DEFRAG_H
#define HAKMEM_FRONT_DEFRAG_H

#include <stdbool.h>
#include <stddef.h>

/* What a block's slab, and all slabs of its class in the same heap, hold; in blocks. */
struct defrag_place {
	size_t free, capacity;
	size_t bytes;		/* of the slab */
	size_t free_of_all, capacity_of_all;
	const void *filled;	/* the slab that is filled next; NULL: there is none */
};

/* False: it is in no slab. Any address will do. */
bool defrag_look(const void *block, struct defrag_place *place);

/* Whether size and this moment allow it; else the bins have to do. */
bool defrag_may_take(size_t size);
/* A block out of the slab that is filled just now. NULL: no memory. */
void *defrag_take(size_t size);
/* Back into its slab at once, where that is the calling thread's; else as free does it. */
void defrag_put(void *block);

#endif
