/* SPDX-License-Identifier: MIT */
/*
 * counted.h - how a profile sees every allocation without an instruction in malloc.
 *
 * While one is taken, the table from sizes to bins leads to a second set of bins, into which
 * nothing is ever freed. When such a bin is empty, malloc takes its slow path; it gets all that
 * was freed meanwhile, by exchanging its array with the ordinary bin's. So what is handed out
 * is known in advance: a bin holds so many blocks, and where the sample comes before the last of
 * them, the slot below is set to NULL for so long. free, and its bins, are as always.
 *
 *   malloc ◄── counted bin ◄─ exchanged when empty ─ bin ◄── free
 *
 * Who may run with whom: as thread_cache.h, whose bins these are. Nobody but malloc's fast path
 * changes a counted bin between two slow paths; who has seized the cache may empty it.
 */
#ifndef HAKMEM_FRONT_COUNTED_H
#define HAKMEM_FRONT_COUNTED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "front/bin.h"
#include "profile/sampling.h"
#include "support/size_class.h"

/* of the classes that steps lead to */
#define COUNTED_BINS	(CLASSES_LINEAR + CLASSES_FINE + 2)
#define COUNTED_TURNS	16	/* of a bin with little before it gets more */

/* blocks in a bin = those that were counted as handed out + those below the stop */
struct counted {
	void **tops[COUNTED_BINS];	/* as the top of a bin is */
	_Atomic bool on;		/* the steps lead here; relaxed: others ask it as a hint */
	/* until what was freed shall be more than so little */
	uint8_t turns[COUNTED_BINS];
	void **fulls[COUNTED_BINS];	/* of the ordinary bin when it gets this array (again) */
	uint16_t grown[COUNTED_BINS];	/* blocks that were taken for it to be more, since … */
	size_t grown_bytes;		/* … the bin was last refilled; of all bins together */
	struct bin_slots slots[COUNTED_BINS];
	void **stops[COUNTED_BINS];	/* a slot that is NULL for now, before the next sample … */
	void *stopped[COUNTED_BINS];	/* … and what it held; NULL: there is none */
	struct sampling sampling;
};

/* The counted bin that a class has; COUNTED_BINS: none. */
static inline unsigned counted_of_class(unsigned class)
{
	if (class < CLASSES_LINEAR + CLASSES_FINE)
		return class;
	if (class >= CLASSES_BY_SIZE && class < CLASSES_BY_SIZE + 2)
		return class - CLASSES_BY_SIZE + CLASSES_LINEAR + CLASSES_FINE;
	return COUNTED_BINS;
}

/* No step leads to the class: it is above the fast path's sizes. */
static inline bool counted_has_no_bin(unsigned class)
{
	return class - (CLASSES_LINEAR + CLASSES_FINE) < CLASSES_COARSE ||
	       class - (CLASSES_BY_SIZE + 2) < CLASSES_ALIGNED - 2;
}

/* The other way round, of one below COUNTED_BINS. */
static inline unsigned counted_class(unsigned bin)
{
	return bin < CLASSES_LINEAR + CLASSES_FINE ?
		       bin :
		       bin + CLASSES_BY_SIZE - CLASSES_LINEAR - CLASSES_FINE;
}

/* The steps are about to lead here, or no more. none: see bin_begin. */
void counted_begin(struct counted *counted, bool on, void **none);

/* By anyone; the owner's next slow path may change it. */
static inline bool counted_is_on(const struct counted *counted)
{
	return atomic_load_explicit(&counted->on, memory_order_relaxed);
}

/*
 * What was held back before a sample is there again; what may be popped before the next is counted.
 */
void counted_let_go(struct counted *counted, unsigned class);
void counted_hold_back(struct counted *counted, unsigned class);

/*
 * The counted bin is empty, and gets what the ordinary one has, whose mark may be that of a limit
 * that it had before.
 */
static inline void counted_exchange(struct counted *counted, size_t own, struct bin *bin,
				    struct bin_slots *slots)
{
	struct bin emptied = { counted->tops[own], counted->fulls[own] };
	char words[sizeof(*slots)];

	/* As bytes: field by field it takes twice the instructions. */
	memcpy(words, slots, sizeof(words));
	memcpy(slots, &counted->slots[own], sizeof(words));
	memcpy(&counted->slots[own], words, sizeof(words));
	counted->tops[own] = bin->top;
	counted->fulls[own] = bin->full;
	*bin = emptied;
}

/* So many blocks were taken only that they go round; they are used up now. */
void counted_note_grown(struct counted *counted, unsigned class, uint32_t blocks);
void counted_forget_grown(struct counted *counted, unsigned class);

/* What was counted as handed out, and was not: before all of it is taken out. */
void counted_count_back(struct counted *counted, unsigned class);
/* So many blocks at most; returns how many. */
unsigned counted_take_out(struct counted *counted, unsigned class, void **blocks, unsigned most);

/* Blocks in it; by anyone, of some moment. */
uint32_t counted_blocks(const struct counted *counted, unsigned class);

#endif
