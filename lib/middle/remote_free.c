/* SPDX-License-Identifier: MIT */
/*
 * remote_free.c - see remote_free.h. The idea of batches that go home as messages is
 * snmalloc's (Liétar et al., ISMM 2019).
 */
#include <config.h>

#include "middle/remote_free.h"

#include "support/log.h"

#define LISTED_MAX	30	/* with next and count 256 B: four cache lines */
/*
 * A block on its way keeps its slab from becoming empty, so batches are no larger than pays,
 * and an outbox that sends to many does not wait until each batch is full.
 */
#define BATCH_BLOCKS	24
#define OUTBOX_BLOCKS	64
#define OUTBOX_BYTES	(64 * KiB)	/* a thread that sleeps holds no more, but for one block */

/* The owner's thread did not survive a fork: nobody will ever drain its inbox. */
static void put_frozen(struct remote_message *message)
{
	while (message) {
		struct remote_message *next = message->next;
		uint64_t i;

		for (i = 0; i < message->count; i++)
			heap_put_frozen(message->blocks[i]);
		heap_put_frozen(message);
		message = next;
	}
}

static void push(struct heap *owner, struct remote_message *newest, struct remote_message *oldest)
{
	struct remote_message *head = atomic_load_explicit(&owner->inbox, memory_order_relaxed);

	do {
		oldest->next = head;
		/* release: pairs with the acquire in remote_free_take_all */
	} while (!atomic_compare_exchange_weak_explicit(&owner->inbox, &head, newest,
							memory_order_release,
							memory_order_relaxed));
}

static void send(struct heap *owner, struct remote_message *newest, struct remote_message *oldest)
{
	if (unlikely(heap_is_frozen(owner))) {
		oldest->next = NULL;
		put_frozen(newest);
		return;
	}
	push(owner, newest, oldest);
	/* A heap without a thread would keep what it is sent until the next thread starts. */
	if (unlikely(heap_is_idle(owner)) && heap_visit(owner)) {
		remote_free_drain(owner);
		heap_put_empty_slabs(owner);
		heap_give_back(owner);
	}
}

static void forget_batch(struct remote_outbox *outbox, struct remote_batch *batch)
{
	outbox->blocks -= batch->blocks;
	outbox->bytes -= batch->bytes;
	batch->owner = NULL;
	outbox->pending--;
}

static void send_batch(struct remote_outbox *outbox, struct remote_batch *batch)
{
	send(batch->owner, batch->newest, batch->oldest);
	forget_batch(outbox, batch);
}

void remote_free_post_all(struct remote_outbox *outbox)
{
	unsigned i;

	for (i = 0; outbox->pending && i < OUTBOX_BATCHES; i++) {
		struct remote_batch *batch = &outbox->batches[i];

		if (!batch->owner || heap_is_frozen(batch->owner))
			continue;
		push(batch->owner, batch->newest, batch->oldest);
		forget_batch(outbox, batch);
	}
}

void remote_free_send_all(struct remote_outbox *outbox)
{
	unsigned i;

	for (i = 0; outbox->pending && i < OUTBOX_BATCHES; i++)
		if (outbox->batches[i].owner)
			send_batch(outbox, &outbox->batches[i]);
}

static void start_batch(struct remote_outbox *outbox, struct remote_batch *batch, struct heap *owner)
{
	if (batch->owner)
		send_batch(outbox, batch);
	*batch = (struct remote_batch){ .owner = owner };
	outbox->pending++;
}

static uint32_t list_capacity(size_t size)
{
	size_t room = (size - sizeof(struct remote_message)) / sizeof(void *);

	return room < LISTED_MAX ? (uint32_t)room : LISTED_MAX;
}

static void start_message(struct remote_batch *batch, void *block, size_t size)
{
	struct remote_message *message = block;

	message->next = batch->newest;
	message->count = 0;
	batch->room = list_capacity(size);
	batch->newest = message;
	if (!batch->oldest)
		batch->oldest = message;
}

void remote_free_push(struct remote_outbox *outbox, struct heap *owner, void *block, size_t size)
{
	struct remote_batch *batch = &outbox->batches[owner->number % OUTBOX_BATCHES];

	if (unlikely(batch->owner == owner && batch->last == block))
		log_fatal("double free of %p (size class %u)", block, (unsigned)size);
	/* A full batch waits for the next block, so that the last can be compared with it. */
	if (outbox->blocks >= OUTBOX_BLOCKS || outbox->bytes >= OUTBOX_BYTES)
		remote_free_send_all(outbox);
	if (batch->owner != owner || batch->blocks >= BATCH_BLOCKS)
		start_batch(outbox, batch, owner);
	batch->last = block;
	batch->bytes += size;
	batch->blocks++;
	outbox->blocks++;
	outbox->bytes += size;
	if (batch->room) {
		batch->newest->blocks[batch->newest->count++] = block;
		batch->room--;
	} else {
		start_message(batch, block, size);
	}
}

void remote_free_push_alone(struct heap *owner, void *block)
{
	struct remote_message *message = block;

	message->count = 0;
	send(owner, message, message);
}

struct remote_message *remote_free_take_all(struct heap *heap)
{
	/* acquire: pairs with the release in send */
	return atomic_exchange_explicit(&heap->inbox, NULL, memory_order_acquire);
}

void remote_free_drain(struct heap *heap)
{
	struct remote_message *message = remote_free_take_all(heap);

	while (message) {
		struct remote_message *next = message->next;
		void *block = message;
		uint64_t i;

		for (i = 0; i < message->count; i++)
			heap_note_block_received(heap, message->blocks[i]);
		heap_note_block_received(heap, block);
		heap_put_blocks(heap, message->blocks, (unsigned)message->count);
		heap_put_blocks(heap, &block, 1);
		message = next;
	}
}
