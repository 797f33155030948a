/* SPDX-License-Identifier: MIT */
/*
 * remote_free.h - blocks freed by a thread that does not own their slab go home in batches.
 *
 * The freeing thread collects for each owner in its outbox; a batch goes into the owner's inbox
 * by one compare-and-swap. It is a chain of messages: lists of blocks, outside of the heap.
 * Who has read them returns them to the outbox that they came from.
 *
 *      inbox ──► ┌next│count│block│block│…┐ ──► ┌next│count│block│…┐ ──► NULL
 *                └────────────────────────┘     └──────────────────┘
 *
 * Who may run with whom:
 *                       remote_free_send   remote_free_receive   remote_free_return
 *   remote_free_send          yes                 yes                   yes
 *   remote_free_receive       yes                  -  (the owner alone)  -
 *   remote_free_return        yes                  -                    yes
 *
 * An owner that does not read, since it sleeps or is busy with something else, gets no more than
 * INBOX_MESSAGES and what is on its way: further blocks are left in their slabs, a bit each, and
 * come back slab by slab.
 *
 * Wait-free for who takes (one exchange); who pushes never pops, so a message that comes back
 * does no harm (no ABA).
 */
#ifndef HAKMEM_MIDDLE_REMOTE_FREE_H
#define HAKMEM_MIDDLE_REMOTE_FREE_H

#include <stdbool.h>
#include <stdint.h>

#include "middle/heap.h"

#define REMOTE_BLOCKS	29	/* four cache lines */

#define INBOX_MESSAGES	1024	/* so many wait: the owner is not reading */

struct remote_outbox;

struct remote_message {
	struct remote_message *next;
	struct remote_outbox *origin;
	uint64_t count;			/* of blocks[] in use */
	void *blocks[REMOTE_BLOCKS];
};

_Static_assert(sizeof(struct remote_message) == 256, "a message is four cache lines");

/* Of one owner; newest <= end, and both point into first->blocks. */
struct remote_batch {
	struct heap *owner;		/* NULL: nothing pending */
	void **newest;			/* block */
	void **end;			/* newest gets no further without a slow path */
	struct remote_message *first, *last;	/* of the chain; blocks are added to the first */
	uint32_t weight;		/* of it in the outbox's */
	uint32_t messages;		/* in the chain */
};

/*
 * A block on its way keeps its slab from becoming empty, so an outbox that sends to many does
 * not wait until each batch is long. Blocks weigh what they have in bytes, and something each;
 * small ones are weighed before they come, some at a time.
 */
#define OUTBOX_BATCHES		16
#define REMOTE_BLOCK_WEIGHT	512
#define OUTBOX_WEIGHT		(64 * KiB)	/* of what is for four owners; a message of few … */
/* … blocks takes as much memory as one of many */
#define OWNER_WEIGHT		(OUTBOX_WEIGHT / 4)
#define REMOTE_CLASS_SMALL	(CLASSES_LINEAR + 7)	/* 512 B */
#define REMOTE_GRANT		7	/* small blocks that are weighed together … */
#define REMOTE_GRANT_WEIGHT	(REMOTE_GRANT * (REMOTE_BLOCK_WEIGHT + 64))

/* Of one thread. */
struct remote_outbox {
	struct remote_batch batches[OUTBOX_BATCHES];
	uint32_t pending;		/* batches that are not empty */
	size_t weight;			/* of all of them */
	struct remote_message *spares;	/* in nobody's hands */
	/* release by who has read them; acquire by the outbox's thread */
	_Atomic(struct remote_message *) returned CACHE_ALIGNED;
};

void remote_free_twice(void *block, unsigned class) NORETURN;

static inline struct remote_batch *remote_free_batch(struct remote_outbox *outbox,
						     const struct heap *owner)
{
	return &outbox->batches[owner->number % OUTBOX_BATCHES];
}

/*
 * Adds a block that owner's heap must get back, if its batch has begun and there is room. False:
 * it takes remote_free_push, as all blocks of common heaps do.
 */
static ALWAYS_INLINE bool remote_free_add(struct remote_outbox *outbox, struct heap *owner,
					  void *block, unsigned class)
{
	struct remote_batch *batch = remote_free_batch(outbox, owner);
	void **newest = batch->newest;

	if (unlikely(batch->owner != owner || newest >= batch->end || class > REMOTE_CLASS_SMALL))
		return false;
	if (unlikely(*newest == block))
		remote_free_twice(block, class);
	newest[1] = block;
	batch->newest = newest + 1;
	return true;
}

/* The same in any case; sends when there is enough. False: there is no memory for a message. */
bool remote_free_push(struct remote_outbox *outbox, struct heap *owner, void *block,
		      unsigned class);

/* Sends one block at once. False: no memory for a message. */
bool remote_free_send_one(struct remote_outbox *outbox, struct heap *owner, void *block);

/* Sends all that is pending. */
void remote_free_send_all(struct remote_outbox *outbox);

/* The same without a lock: what is for a heap without a thread waits there. */
void remote_free_post_all(struct remote_outbox *outbox);

/*
 * Anyone, after a message or after letting go of the heap: where it waits for a thread, what has
 * come goes into its slabs; it would keep it until the next thread starts.
 */
void remote_free_visit_if_idle(struct heap *owner);

/* Anyone: the owner has not looked since. relaxed: a hint; remote_free_receive orders */
static inline bool remote_free_has_come(const struct heap *heap)
{
	return atomic_load_explicit(&heap->inbox, memory_order_relaxed) != NULL ||
	       atomic_load_explicit(&heap->remote_slabs, memory_order_relaxed);
}

/* Owner: more was freed than messages tell of. relaxed: remote_free_catch_up orders */
static inline bool remote_free_is_outrun(const struct heap *heap)
{
	return unlikely(atomic_load_explicit(&heap->remote_slabs, memory_order_relaxed));
}

/* Owner: there is something to receive. */
static inline bool remote_free_is_waiting(const struct heap *heap)
{
	return heap->received || remote_free_has_come(heap);
}

/* Owner: one of the messages that have come; NULL: there is none. */
struct remote_message *remote_free_receive(struct heap *heap);

/* Messages of one outbox that have been read; zero: none. */
struct remote_returns {
	struct remote_message *first, *last;
};

/* It has been read, and goes back with others; remote_free_return_all at the end. */
void remote_free_return(struct remote_returns *returns, struct remote_message *message);
void remote_free_return_all(struct remote_returns *returns);

/*
 * Owner, who is outrun, or whoever has seized the heap: what was left in some of the slabs is
 * taken, and a few messages go into slabs, too: read into bins, their blocks would be handed out in
 * the order of their freeing. Done as long as something is waiting, it is a drain by and by.
 */
void remote_free_catch_up(struct heap *heap);

/* Owner: everything that has come goes into the slabs. */
void remote_free_drain(struct heap *heap);

#endif
