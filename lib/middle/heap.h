/* SPDX-License-Identifier: MIT */
/*
 * heap.h - the slabs that one thread owns, by size class.
 *
 * Who may run with whom:
 *                       holder   another thread   the forking thread's child
 *   heap_take_blocks      yes         -                 -
 *   heap_put_blocks       yes         -                 -
 *   remote_free_send       -         yes               yes
 *   heap_frozen_put        -          -           under heap list lock
 *   heap_seize             -         yes                -
 *
 * The holder is the thread that owns the heap, or whoever seized it meanwhile:
 *
 *             adopt                seize                 give back
 *   IDLE ◄──────────► OWNED ──────────────► SEIZED ──────────────► RESTING
 *    ▲ │    abandon     ▲                     │ its thread ends       │
 *    │ │ seize          └─────── resume ──────┼───────────────────────┘
 *    │ ▼                                      │        (or seize: SEIZED)
 *   VISITED ◄─────────────────────────────────┘
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
#include "middle/slab_list.h"
#include "os/lock.h"
#include "support/compiler.h"

struct remote_message;

enum heap_hold {
	HEAP_OWNED,	/* a thread's */
	HEAP_IDLE,	/* waits for a thread */
	HEAP_SEIZED,	/* a thread's, but somebody else works in it */
	HEAP_RESTING,	/* a thread's, given back; its next slow path resumes */
	HEAP_VISITED,	/* waits for a thread, and somebody works in it */
	HEAP_FROZEN,	/* its thread did not survive a fork: nobody's for ever */
};

/*
 * The front's bins: bin_of_unit points to the bin of the unit's class, or, of a slab with guests,
 * to one behind the last that is always full.
 */
#define HEAP_BIN_BYTES	16

#define HEAP_CLASS_WORDS	((CLASS_COUNT + 63) / 64)

/* Where the guests of a class are, so many blocks each (0: nowhere), as often as uses says. */
struct guest_host {
	uint8_t class, uses;
	uint16_t length;
};

struct heap {
	/* Written by every thread that frees our blocks: a cache line of its own. */
	_Atomic(struct remote_message *) inbox CACHE_ALIGNED;
	_Atomic uint32_t waiting;	/* messages there, or a few more; relaxed: a hint */
	/*
	 * Superslabs with blocks that were left in our slabs, a bit for each remainder of their
	 * numbers by 64; seq_cst: see remote_free.c.
	 */
	_Atomic uint64_t remote_slabs;

	/* Read by other threads' frees. */
	char *bins CACHE_ALIGNED;	/* one a class, HEAP_BIN_BYTES apart; of the thread cache */
	/* enum heap_hold. release by whoever lets go; acquire by whoever takes hold */
	_Atomic uint32_t hold;
	uint32_t number;		/* small, dense: a hash for outboxes */
	uint16_t home;			/* its slabs' pages come from there; set when it is made */
	/* relaxed: never a thread's: see heap_keep; set before it is known */
	_Atomic bool kept;
	/* relaxed: kept, for all threads: the helper looks after it too */
	_Atomic bool common;

	struct slab_list available[CLASS_COUNT] CACHE_ALIGNED;	/* owner only */
	struct remote_message *received;	/* taken from the inbox, not yet read; owner only */
	uint32_t empty_units;		/* in slabs that are wholly free and kept; owner only */
	_Atomic bool stirred;		/* some slab has changed; relaxed: a hint for comb.h */
	/*
	 * Bits of classes: those taken from since the round of comb.h began, and not in the last.
	 */
	uint64_t taken_of[HEAP_CLASS_WORDS], left[HEAP_CLASS_WORDS];	/* owner only */
	uint8_t comb_round, comb_class;	/* … that goes on from there; owner only */

	struct guest_host host_of[CLASS_COUNT];	/* of guests of the class; owner only */
	uint32_t next_host[CLASS_COUNT];	/* links: guest.h goes on there; owner only */

	struct heap_count counts[CLASS_COUNT];	/* written by the owner, read by anyone */

	struct heap *next;		/* all heaps ever made; written before it is known */
	struct heap *next_idle, *previous_idle;	/* by heap list lock */
};

/* For hak_outline alone: all heaps, by next; blocks sent by threads without one, by class. */
extern _Atomic(struct heap *) heap_newest HIDDEN;
extern _Atomic uint32_t heap_sent_alone[CLASS_COUNT] HIDDEN;

static inline bool heap_is_owned(struct heap *heap)
{
	return atomic_load_explicit(&heap->hold, memory_order_acquire) == HEAP_OWNED;
}

/* A hint. */
static inline bool heap_is_idle(struct heap *heap)
{
	return atomic_load_explicit(&heap->hold, memory_order_relaxed) == HEAP_IDLE;
}

/*
 * Seized, and a thread's still. acquire: pairs with heap_abandon, whose thread may have worked in
 * it until then; whoever sees that it has left reads what it left.
 */
static inline bool heap_is_seized(struct heap *heap)
{
	return atomic_load_explicit(&heap->hold, memory_order_acquire) == HEAP_SEIZED;
}

/* A hint: somebody works in it who is no thread that it belongs to. */
static inline bool heap_is_held(struct heap *heap)
{
	uint32_t hold = atomic_load_explicit(&heap->hold, memory_order_relaxed);

	return hold == HEAP_SEIZED || hold == HEAP_VISITED;
}

/* By the holder: some slab has changed. */
static inline void heap_stir(struct heap *heap)
{
	atomic_store_explicit(&heap->stirred, true, memory_order_relaxed);
}

static inline bool heap_is_frozen(struct heap *heap)
{
	/* relaxed: written in a fork's child, while it has one thread */
	return atomic_load_explicit(&heap->hold, memory_order_relaxed) == HEAP_FROZEN;
}

/* A heap of the home for the calling thread: one that waits, else NULL. */
struct heap *heap_adopt(unsigned home);
/* Makes a zeroed heap known, as the calling thread's. */
void heap_create(struct heap *heap, char *bins, unsigned home);
/* The thread leaves; the heap waits for another. */
void heap_abandon(struct heap *heap);

/*
 * Takes hold of a heap that is not the caller's, without a lock. False: somebody else works
 * in it. Of an owned heap the caller must yet see that its thread does not: see
 * front/seizure.h.
 */
bool heap_seize(struct heap *heap);
/* The same, of a heap that waits for a thread. */
bool heap_visit(struct heap *heap);

/*
 * Before heap_create makes it known: it is never a thread's, and the helper lets it be. It is held
 * for the length of a call; blocks go to it at once, not by way of an outbox.
 */
static inline void heap_keep(struct heap *heap)
{
	atomic_store_explicit(&heap->kept, true, memory_order_relaxed);
}

/* The same, but that the helper looks after it: see front/common.h. */
static inline void heap_make_common(struct heap *heap)
{
	atomic_store_explicit(&heap->common, true, memory_order_relaxed);
	heap_keep(heap);
}

bool heap_take_kept(struct heap *heap);
void heap_put_kept(struct heap *heap);

static inline bool heap_is_kept(const struct heap *heap)
{
	return atomic_load_explicit(&heap->kept, memory_order_relaxed);
}

static inline bool heap_is_common(const struct heap *heap)
{
	return atomic_load_explicit(&heap->common, memory_order_relaxed);
}

/* By the holder of a kept heap with nothing in bins: all its slabs go, whatever is live. */
void heap_drop_slabs(struct heap *heap);
/* The inverse of both. */
void heap_give_back(struct heap *heap);
/* The owner goes on with a heap that was seized; false: somebody still works in it. */
bool heap_resume(struct heap *heap);

/* Owner: some slab of the class has a free block. */
static inline bool heap_has_room(const struct heap *heap, unsigned class)
{
	return heap->available[class].head != 0;
}

/* Fills blocks with up to count blocks of a class; returns how many, 0: no memory. */
unsigned heap_take_blocks(struct heap *heap, unsigned class, void **blocks, unsigned count);
/* The same out of a slab that hosts them: see slab_guest.h. */
unsigned heap_take_guests(struct heap *heap, uint32_t first, void **blocks, unsigned count,
			  unsigned length);
void heap_put_blocks(struct heap *heap, void *const *blocks, unsigned count);

/* As heap_take_block, at a place of the slab that the number decides; 0: the lowest. */
void *heap_take_random_block(struct heap *heap, unsigned class, unsigned alignment_units,
			     uint64_t random, bool *zeroed);

/*
 * One block of a class straight from a slab; *zeroed: it is zero. alignment_units: 1, or for
 * classes with one block a slab a power of two up to 32. NULL: no memory.
 */
static inline void *heap_take_block(struct heap *heap, unsigned class, unsigned alignment_units,
				    bool *zeroed)
{
	return heap_take_random_block(heap, class, alignment_units, 0, zeroed);
}

/* A slab of a class that came (sign 1), or went (-1), as it is now. */
void heap_count_slab(struct heap *heap, unsigned class, uint32_t sign, const struct slab *slab);

/* Puts wholly free slabs back that were kept for speed. */
void heap_put_empty_slabs(struct heap *heap);

/* Calls act for every heap that has no thread, one at a time, as if the caller owned it. */
void heap_visit_idle(void (*act)(struct heap *heap));

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
	heap_note_received(heap, slab_class_of_block(block));
}

/* Calls visit for every heap ever made; they are never freed. Takes no lock. */
void heap_visit_all(void (*visit)(struct heap *heap, void *argument), void *argument);

struct lock *heap_fork_lock(void);

#endif
