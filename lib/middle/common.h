/* SPDX-License-Identifier: MIT */
/*
 * common.h - slabs that threads share. What a thread wants of a size class at first, and all of
 * what it wants little of, comes from common heaps, which are nobody's: a thread holds one for
 * the length of a refill. A block of theirs goes into the bin of whoever frees it, by a slow path.
 * A class that a thread comes to use much gets slabs of its own.
 *
 * Who may run with whom: each with a use and a heap of its own, whoever works there; all at once.
 */
#ifndef HAKMEM_MIDDLE_COMMON_H
#define HAKMEM_MIDDLE_COMMON_H

#include "middle/heap.h"
#include "middle/remote_free.h"

enum common_stage {
	COMMON_SHARED,		/* blocks come from common slabs */
	COMMON_SHARED_MUCH,	/* the same, by a larger bin */
	COMMON_LEAVING,		/* the next refill takes the first slab */
	COMMON_OWN,		/* the heap has slabs of the class, or had */
};

/* Of one thread; zero: it has slabs of its own in every class. */
struct common_use {
	bool shares;
	uint8_t stages[CLASS_COUNT];	/* enum common_stage */
	uint32_t uses[CLASS_COUNT];	/* refilled and freed blocks of a class that is shared */
};

/* What makes a common heap, with bins, or NULL. Before there is a second thread. */
void common_set_maker(struct heap *(*make)(unsigned home));

/* Whether the class is shared just now. */
static inline bool common_is_shared(const struct common_use *use, unsigned class)
{
	return use->shares && use->stages[class] <= COMMON_SHARED_MUCH;
}

/* Before anything is taken: the thread of this heap shares what it uses little of. */
void common_begin(struct common_use *use, const struct heap *own);

/* In blocks, what a bin may hold at first; first: where the class is not shared, nor heaps many. */
uint32_t common_first_limit(const struct common_use *use, const struct heap *own, unsigned class,
			    uint32_t first);

/* What one of a crowd may have of something that is for a few. */
uint32_t common_share(const struct common_use *use, const struct heap *own, uint32_t most);

/*
 * Before a refill: what was used much is left, and a class whose last slab has gone is shared
 * again. True: the first limit is another one now.
 */
bool common_look(struct common_use *use, const struct heap *own, unsigned class);

/* So many blocks more were taken or freed. */
void common_note(struct common_use *use, unsigned class, uint32_t blocks);

/*
 * Up to count blocks of a shared class; asked: what the first one is for, to be noted, else 0.
 * Returns how many; 0: all common heaps are in use, or no memory.
 */
unsigned common_take_blocks(struct common_use *use, const struct heap *own, unsigned class,
			    void **blocks, unsigned count, size_t asked);

/* Blocks of the own heap, or of common ones; outbox: of whoever works in the own one. */
void common_put_blocks(const struct common_use *use, struct heap *own,
		       struct remote_outbox *outbox, void *const *blocks, unsigned count);

#endif
