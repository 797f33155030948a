/* SPDX-License-Identifier: MIT */
/*
 * remote_free.c - see remote_free.h. The idea of batches that go home as messages is
 * snmalloc's (Liétar et al., ISMM 2019), whose messages are the blocks themselves.
 */
#include <config.h>

#include "middle/remote_free.h"

#include "support/log.h"

void remote_free_twice(void *block, size_t size)
{
	log_fatal("double free of %p (size class %u)", block, (unsigned)size);
}

/* NULL: no memory. One that is new is opened only when there is no other. */
static struct remote_message *take_message(struct remote_outbox *outbox)
{
	struct remote_message *message = outbox->spares;

	if (!message)
		/* acquire: pairs with the release in remote_free_return */
		message = atomic_exchange_explicit(&outbox->returned, NULL, memory_order_acquire);
	if (message) {
		outbox->spares = message->next;
		return message;
	}
	message = reservation_take_open_metadata(sizeof(*message));
	if (!message)
		message = reservation_take_metadata(sizeof(*message));
	if (message)
		message->origin = outbox;
	return message;
}

static void put_message(struct remote_outbox *outbox, struct remote_message *message)
{
	message->next = outbox->spares;
	outbox->spares = message;
}

static void push(_Atomic(struct remote_message *) *stack, struct remote_message *message)
{
	struct remote_message *head = atomic_load_explicit(stack, memory_order_relaxed);

	do {
		message->next = head;
		/* release: pairs with the acquire in remote_free_receive and take_message */
	} while (!atomic_compare_exchange_weak_explicit(stack, &head, message,
							memory_order_release,
							memory_order_relaxed));
}

void remote_free_return(struct remote_message *message)
{
	push(&message->origin->returned, message);
}

/* The owner's thread did not survive a fork: nobody will ever drain its inbox. */
static void put_frozen(struct remote_message *message)
{
	uint64_t i;

	for (i = 0; i < message->count; i++)
		heap_put_frozen(message->blocks[i]);
}

static void send(struct remote_outbox *outbox, struct heap *owner, struct remote_message *message)
{
	if (unlikely(heap_is_frozen(owner))) {
		put_frozen(message);
		put_message(outbox, message);
		return;
	}
	push(&owner->inbox, message);
	/* A heap without a thread would keep what it is sent until the next thread starts. */
	if (unlikely(heap_is_idle(owner)) && heap_visit(owner)) {
		remote_free_drain(owner);
		heap_put_empty_slabs(owner);
		heap_give_back(owner);
	}
}

static void forget_batch(struct remote_outbox *outbox, struct remote_batch *batch)
{
	outbox->weight -= batch->weight;
	outbox->pending--;
	*batch = (struct remote_batch){ .owner = NULL };
}

static void send_batch(struct remote_outbox *outbox, struct remote_batch *batch)
{
	struct remote_batch full = *batch;

	forget_batch(outbox, batch);
	send(outbox, full.owner, full.message);
}

void remote_free_post_all(struct remote_outbox *outbox)
{
	unsigned i;

	for (i = 0; outbox->pending && i < OUTBOX_BATCHES; i++) {
		struct remote_batch *batch = &outbox->batches[i];

		if (!batch->owner || heap_is_frozen(batch->owner))
			continue;
		push(&batch->owner->inbox, batch->message);
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

static bool start_batch(struct remote_outbox *outbox, struct remote_batch *batch, struct heap *owner)
{
	batch->message = take_message(outbox);
	if (!batch->message)
		return false;
	batch->message->count = 0;
	batch->owner = owner;
	outbox->pending++;
	return true;
}

bool remote_free_push_slow(struct remote_outbox *outbox, struct remote_batch *batch,
			   struct heap *owner, void *block, size_t weight)
{
	if (outbox->weight >= OUTBOX_WEIGHT)
		remote_free_send_all(outbox);
	if (batch->owner && (batch->owner != owner || batch->message->count == REMOTE_BLOCKS))
		send_batch(outbox, batch);
	if (!batch->owner && unlikely(!start_batch(outbox, batch, owner)))
		return false;
	remote_free_add(outbox, batch, block, weight);
	return true;
}

bool remote_free_send_one(struct remote_outbox *outbox, struct heap *owner, void *block)
{
	struct remote_message *message = take_message(outbox);

	if (unlikely(!message))
		return false;
	message->blocks[0] = block;
	message->count = 1;
	send(outbox, owner, message);
	return true;
}

struct remote_message *remote_free_receive(struct heap *heap)
{
	struct remote_message *message = heap->received;

	/* A load first: who refills looks often, and mostly in vain. */
	if (!message && atomic_load_explicit(&heap->inbox, memory_order_relaxed))
		/* acquire: pairs with the release in push */
		message = atomic_exchange_explicit(&heap->inbox, NULL, memory_order_acquire);
	if (message)
		heap->received = message->next;
	return message;
}

void remote_free_drain(struct heap *heap)
{
	struct remote_message *message;
	uint64_t i;

	while ((message = remote_free_receive(heap))) {
		for (i = 0; i < message->count; i++)
			heap_note_block_received(heap, message->blocks[i]);
		heap_put_blocks(heap, message->blocks, (unsigned)message->count);
		remote_free_return(message);
	}
}
