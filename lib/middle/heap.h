/* SPDX-License-Identifier: MIT */
/*
 * heap.h - the slabs that one thread owns, by size class.
 *
 * Who may run with whom:
 *                       owner   another thread   the forking thread's child
 *   heap_take_blocks     yes         -                 -
 *   heap_put_blocks      yes         -                 -
 *   remote_free_send      -         yes               yes
 *   heap_put_frozen       -          -           under heap list lock
 *
 * A heap outlives its thread: it waits, slabs and all, for the next thread (heap_abandon,
 * heap_adopt), so nothing is rewritten when threads come and go. Heaps whose thread did not
 * survive a fork may be torn in the middle of anything. They are frozen: what is freed in
 * them is noted slab by slab, and a slab goes back when such frees alone fill it.
 */
#ifndef HAKMEM_MIDDLE_HEAP_H
#define HAKMEM_MIDDLE_HEAP_H

#include <stdatomic.h>
#include <stdbool.h>

#include "middle/heap_count.h"
#include "middle/slab.h"
#include "support/compiler.h"

struct remote_message;

/* The front's bins: bin_of_unit points to the bin of the unit's class. */
#define HEAP_BIN_BYTES	16

/* Slabs with free blocks; fuller ones nearer the head, empty ones at the tail. */
struct slab_list {
	uint32_t head, tail;	/* unit + 1 */
};

struct heap {
	/* Written by every thread that frees our blocks: a cache line of its own. */
	_Atomic(struct remote_message *) inbox CACHE_ALIGNED;

	/* Read by other threads' frees. */
	char *bins CACHE_ALIGNED;	/* one a class, HEAP_BIN_BYTES apart; of the thread cache */
	_Atomic bool frozen;		/* written in a fork's child, while it has one thread */
	uint32_t number;		/* small, dense: a hash for outboxes */

	struct slab_list available[CLASS_COUNT] CACHE_ALIGNED;	/* owner only */
	uint32_t empty_units;		/* in slabs that are wholly free and kept; owner only */

	struct heap_count counts[CLASS_COUNT];	/* written by the owner, read by anyone */

	struct heap *next;		/* all heaps ever made; written before it is known */
	struct heap *next_idle, *previous_idle;	/* by heap list lock */
	_Atomic bool idle;		/* has no thread; written by heap list lock, a hint without */
};

/* A heap for the calling thread: one that waits, else NULL. */
struct heap *heap_adopt(void);
/* This heap, if it waits. */
bool heap_adopt_this(struct heap *heap);
/* Makes a zeroed heap known, as the calling thread's. */
void heap_create(struct heap *heap, char *bins);
/* The thread leaves; the heap waits for another. */
void heap_abandon(struct heap *heap);

/* Fills blocks with up to count blocks of a class; returns how many, 0: no memory. */
unsigned heap_take_blocks(struct heap *heap, unsigned class, void **blocks, unsigned count);
void heap_put_blocks(struct heap *heap, void *const *blocks, unsigned count);

/*
 * One block of a class straight from a slab; *zeroed: it is zero. alignment_units: 1, or for
 * classes with one block a slab a power of two up to 32. NULL: no memory.
 */
void *heap_take_block(struct heap *heap, unsigned class, unsigned alignment_units, bool *zeroed);

/* Puts wholly free slabs back that were kept for speed. */
void heap_put_empty_slabs(struct heap *heap);

/* A free in a frozen heap. */
void heap_put_frozen(void *block);

/*
 * In a fork's child, with its one thread: every heap but own (NULL: it has none) that was
 * not idle is frozen; freeze is called for each.
 */
void heap_freeze_others(struct heap *own, void (*freeze)(struct heap *heap));

/* Calls visit for every heap that has no thread, one at a time, as if the caller owned it. */
void heap_visit_idle(void (*visit)(struct heap *heap));

/*
 * Notes that a block of another heap is on its way home, sent by this one's thread. NULL: by a
 * thread without a heap.
 */
void heap_note_sent(struct heap *heap, unsigned class);

/* Blocks of a class on their way, sent by threads without a heap since the start; wraps. */
uint32_t heap_sent_by_nobody(unsigned class);

/* Notes that a block came home; the owner, before it puts it anywhere. */
static inline void heap_note_received(struct heap *heap, unsigned class)
{
	heap_count_add(&heap->counts[class].received, 1);
}

static inline void heap_note_block_received(struct heap *heap, const void *block)
{
	heap_note_received(heap, slab_unit(reservation_unit_of(block))->class_mark - 1u);
}

/* Calls visit for every heap ever made; they are never freed. Takes no lock. */
void heap_visit_all(void (*visit)(struct heap *heap, void *argument), void *argument);

void heap_list_lock(void);
void heap_list_unlock(void);

#endif
