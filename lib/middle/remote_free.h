/* SPDX-License-Identifier: MIT */
/*
 * remote_free.h - blocks freed by a thread that does not own their slab go home in batches.
 *
 * The freeing thread collects for each owner in its outbox; a full batch goes into the
 * owner's inbox by one compare-and-swap. It is a message: a list of blocks, outside of the heap.
 * Who has read it returns it to the outbox that it came from.
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
 * Wait-free for who takes (one exchange); who pushes never pops, so a message that comes back
 * does no harm (no ABA).
 */
#ifndef HAKMEM_MIDDLE_REMOTE_FREE_H
#define HAKMEM_MIDDLE_REMOTE_FREE_H

#include <stdbool.h>
#include <stdint.h>

#include "middle/heap.h"

#define REMOTE_BLOCKS	29	/* four cache lines */

struct remote_outbox;

struct remote_message {
	struct remote_message *next;
	struct remote_outbox *origin;
	uint64_t count;			/* of blocks[] in use */
	void *blocks[REMOTE_BLOCKS];
};

_Static_assert(sizeof(struct remote_message) == 256, "a message is four cache lines");

struct remote_batch {
	struct heap *owner;		/* NULL: nothing pending */
	struct remote_message *message;
	size_t weight;			/* pending, see REMOTE_BLOCK_WEIGHT */
};

/*
 * A block on its way keeps its slab from becoming empty, so an outbox that sends to many does
 * not wait until each batch is full. Blocks weigh what they have in bytes, and something each.
 */
#define OUTBOX_BATCHES		16
#define REMOTE_BLOCK_WEIGHT	512
#define OUTBOX_WEIGHT		(64 * KiB)

/* Of one thread. */
struct remote_outbox {
	struct remote_batch batches[OUTBOX_BATCHES];
	uint32_t pending;		/* batches that are not empty */
	size_t weight;			/* of all of them */
	struct remote_message *spares;	/* in nobody's hands */
	/* release by who has read them; acquire by the outbox's thread */
	_Atomic(struct remote_message *) returned CACHE_ALIGNED;
};

/* The same, when the batch is another's, or there is enough. */
bool remote_free_push_slow(struct remote_outbox *outbox, struct remote_batch *batch,
			   struct heap *owner, void *block, size_t weight);
void remote_free_twice(void *block, size_t size) NORETURN;

static inline void remote_free_add(struct remote_outbox *outbox, struct remote_batch *batch,
				   void *block, size_t weight)
{
	batch->message->blocks[batch->message->count++] = block;
	batch->weight += weight;
	outbox->weight += weight;
}

/*
 * Adds a block of size bytes that owner's heap must get back; sends when there is enough. False:
 * there is no memory for a message.
 */
static inline bool remote_free_push(struct remote_outbox *outbox, struct heap *owner, void *block,
				    size_t size)
{
	struct remote_batch *batch = &outbox->batches[owner->number % OUTBOX_BATCHES];
	struct remote_message *message = batch->message;

	if (unlikely(batch->owner != owner))
		return remote_free_push_slow(outbox, batch, owner, block, size + REMOTE_BLOCK_WEIGHT);
	/* A full batch waits for the next block, so that the last can be compared with it. */
	if (unlikely(message->blocks[message->count - 1] == block))
		remote_free_twice(block, size);
	if (unlikely(message->count == REMOTE_BLOCKS || outbox->weight >= OUTBOX_WEIGHT))
		return remote_free_push_slow(outbox, batch, owner, block, size + REMOTE_BLOCK_WEIGHT);
	remote_free_add(outbox, batch, block, size + REMOTE_BLOCK_WEIGHT);
	return true;
}

/* Sends one block at once. False: no memory for a message. */
bool remote_free_send_one(struct remote_outbox *outbox, struct heap *owner, void *block);

/* Sends all that is pending. */
void remote_free_send_all(struct remote_outbox *outbox);

/* The same without a lock: what is for a heap without a thread waits there. */
void remote_free_post_all(struct remote_outbox *outbox);

/* Anyone: the owner has not looked since. relaxed: a hint; remote_free_receive orders */
static inline bool remote_free_has_come(const struct heap *heap)
{
	return atomic_load_explicit(&heap->inbox, memory_order_relaxed) != NULL;
}

/* Owner: there is something to receive. */
static inline bool remote_free_is_waiting(const struct heap *heap)
{
	return heap->received || remote_free_has_come(heap);
}

/* Owner: one of the messages that have come; NULL: there is none. */
struct remote_message *remote_free_receive(struct heap *heap);
/* It has been read. */
void remote_free_return(struct remote_message *message);

/* Owner: everything that has come goes into the slabs. */
void remote_free_drain(struct heap *heap);

#endif
