/* SPDX-License-Identifier: MIT */
/*
 * remote_free.h - blocks freed by a thread that does not own their slab go home in batches.
 *
 * The freeing thread collects for each owner in its outbox; a full batch goes into the
 * owner's inbox by one compare-and-swap. A batch is a chain of messages, and a message is
 * one of the freed blocks, which lists others: neither side walks from block to block
 * through cold cache lines.
 *
 *      inbox ──► ┌next│count│block│block│…┐ ──► ┌next│count│…┐ ──► NULL
 *                └──── a freed block ─────┘     └────────────┘
 *
 * Who may run with whom:
 *                       remote_free_send   remote_free_take_all
 *   remote_free_send          yes                 yes
 *   remote_free_take_all      yes                  -     (the owner alone)
 *
 * Wait-free for the owner (one exchange); senders push a whole chain and never pop, so an
 * address that comes back does no harm (no ABA).
 */
#ifndef HAKMEM_MIDDLE_REMOTE_FREE_H
#define HAKMEM_MIDDLE_REMOTE_FREE_H

#include <stdbool.h>
#include <stdint.h>

#include "middle/heap.h"

struct remote_message {
	struct remote_message *next;
	uint64_t count;			/* of blocks[] in use */
	void *blocks[];			/* as many as the block has room for, 30 at most */
};

_Static_assert(sizeof(struct remote_message) <= BLOCK_ALIGNMENT, "every block can be a message");

struct remote_batch {
	struct heap *owner;		/* NULL: nothing pending */
	struct remote_message *newest, *oldest;
	uint32_t room;			/* blocks that the newest can still list */
	uint32_t blocks;		/* pending, messages included */
	size_t bytes;			/* pending */
	void *last;			/* the block freed last, to catch it being freed twice */
};

#define OUTBOX_BATCHES	16

/* Of one thread. */
struct remote_outbox {
	struct remote_batch batches[OUTBOX_BATCHES];
	uint32_t pending;		/* batches that are not empty */
	uint32_t blocks;		/* in all of them */
	size_t bytes;			/* in all of them */
};

/* Adds a block of size bytes that owner's heap must get back; sends when a batch is full. */
void remote_free_push(struct remote_outbox *outbox, struct heap *owner, void *block, size_t size);

/* Sends one block at once: for a thread without an outbox. */
void remote_free_push_alone(struct heap *owner, void *block);

/* Sends all that is pending. */
void remote_free_send_all(struct remote_outbox *outbox);

/* The same without a lock: what is for a heap without a thread waits there. */
void remote_free_post_all(struct remote_outbox *outbox);

static inline bool remote_free_is_waiting(const struct heap *heap)
{
	/* relaxed: a hint; remote_free_take_all orders */
	return atomic_load_explicit(&heap->inbox, memory_order_relaxed) != NULL;
}

/* Owner: everything that has come, newest first. */
struct remote_message *remote_free_take_all(struct heap *heap);

/* Owner: everything that has come goes into the slabs. */
void remote_free_drain(struct heap *heap);

#endif
