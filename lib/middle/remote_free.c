/* SPDX-License-Identifier: MIT */
/*
 * remote_free.c - see remote_free.h. The idea of batches that go home as messages is
 * snmalloc's (Liétar et al., ISMM 2019), whose messages are the blocks themselves.
 */
#include <config.h>

#include "middle/remote_free.h"

#include "back/metadata.h"
#include "middle/heap_frozen.h"
#include "support/log.h"


void remote_free_twice(void *block, unsigned class)
{
	log_fatal("double free of %p (size class %u)", block, size_class_table[class].size);
}

/* The message that will be written after this one: its reader had it last. */
static void fetch_next(const struct remote_message *spare)
{
	const char *lines = (const char *)spare;
	size_t i;

	for (i = 0; spare && i < sizeof(*spare); i += ARCH_CACHE_LINE_BYTES)
		fetch_to_write(lines + i);
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
		fetch_next(message->next);
		return message;
	}
	message = metadata_take_open(sizeof(*message));
	if (!message)
		message = metadata_take(sizeof(*message));
	if (message)
		message->origin = outbox;
	return message;
}

/* A chain of them, from first to last. */
static void push(_Atomic(struct remote_message *) *stack, struct remote_message *first,
		 struct remote_message *last)
{
	struct remote_message *head = atomic_load_explicit(stack, memory_order_relaxed);

	do {
		last->next = head;
		/* release: pairs with the acquire in remote_free_receive and take_message */
	} while (!atomic_compare_exchange_weak_explicit(stack, &head, first,
							memory_order_release,
							memory_order_relaxed));
}

void remote_free_return_all(struct remote_returns *returns)
{
	if (returns->first)
		push(&returns->first->origin->returned, returns->first, returns->last);
	*returns = (struct remote_returns){ .first = NULL };
}

void remote_free_return(struct remote_returns *returns, struct remote_message *message)
{
	if (returns->first && returns->first->origin != message->origin)
		remote_free_return_all(returns);
	message->next = returns->first;
	returns->first = message;
	if (!returns->last)
		returns->last = message;
}

/* The owner's thread did not survive a fork: nobody will ever drain its inbox. */
static void put_frozen(struct remote_message *message)
{
	uint64_t i;

	for (i = 0; i < message->count; i++)
		heap_frozen_put(message->blocks[i]);
}

static void send_frozen(struct remote_outbox *outbox, struct remote_message *first,
			struct remote_message *last)
{
	struct remote_message *message, *next;

	for (message = first;; message = next) {
		bool is_last = message == last;

		put_frozen(message);
		next = message->next;
		message->next = outbox->spares;
		outbox->spares = message;
		if (is_last)
			return;
	}
}

static void send(struct remote_outbox *outbox, struct heap *owner, struct remote_message *first,
		 struct remote_message *last)
{
	if (unlikely(heap_is_frozen(owner))) {
		send_frozen(outbox, first, last);
		return;
	}
	push(&owner->inbox, first, last);
	/* A heap without a thread would keep what it is sent until the next thread starts. */
	if (unlikely(heap_is_idle(owner)) && heap_visit(owner)) {
		remote_free_drain(owner);
		heap_put_empty_slabs(owner);
		heap_give_back(owner);
	}
}

/* Its messages are the caller's. */
static struct remote_batch take_batch(struct remote_outbox *outbox, struct remote_batch *batch)
{
	struct remote_batch taken = *batch;

	taken.first->count = (uint64_t)(taken.newest + 1 - taken.first->blocks);
	outbox->weight -= taken.weight;
	outbox->pending--;
	*batch = (struct remote_batch){ .owner = NULL };
	return taken;
}

static void send_batch(struct remote_outbox *outbox, struct remote_batch *batch)
{
	struct remote_batch taken = take_batch(outbox, batch);

	send(outbox, taken.owner, taken.first, taken.last);
}

void remote_free_post_all(struct remote_outbox *outbox)
{
	unsigned i;

	for (i = 0; outbox->pending && i < OUTBOX_BATCHES; i++) {
		struct remote_batch *batch = &outbox->batches[i];

		if (!batch->owner || heap_is_frozen(batch->owner))
			continue;
		struct remote_batch taken = take_batch(outbox, batch);

		push(&taken.owner->inbox, taken.first, taken.last);
	}
}

void remote_free_send_all(struct remote_outbox *outbox)
{
	unsigned i;

	for (i = 0; outbox->pending && i < OUTBOX_BATCHES; i++)
		if (outbox->batches[i].owner)
			send_batch(outbox, &outbox->batches[i]);
}

/* Room for a block, in another message if need be. */
static bool extend(struct remote_outbox *outbox, struct remote_batch *batch, struct heap *owner)
{
	struct remote_message *message;

	if (batch->owner && batch->newest < batch->first->blocks + REMOTE_BLOCKS - 1)
		return true;
	message = take_message(outbox);
	if (!message)
		return false;
	if (batch->owner) {
		batch->first->count = REMOTE_BLOCKS;
		message->next = batch->first;
	} else {
		batch->owner = owner;
		batch->last = message;
		outbox->pending++;
	}
	batch->first = message;
	batch->newest = batch->end = message->blocks - 1;
	return true;
}

/* How many small ones may follow in this message. */
static unsigned grant(const struct remote_batch *batch)
{
	size_t room = (size_t)(batch->first->blocks + REMOTE_BLOCKS - 1 - batch->newest);

	/* A free of a block of a common heap looks for a bin first. */
	return heap_is_common(batch->owner) ? 0 : (unsigned)min_size(room, REMOTE_GRANT);
}

static bool is_heavy(const struct remote_outbox *outbox)
{
	return outbox->weight >= max_size(OUTBOX_WEIGHT, (size_t)outbox->pending * OWNER_WEIGHT);
}

bool remote_free_push(struct remote_outbox *outbox, struct heap *owner, void *block,
		      unsigned class)
{
	struct remote_batch *batch = remote_free_batch(outbox, owner);
	size_t weight = size_class_table[class].size + REMOTE_BLOCK_WEIGHT;

	if (batch->owner && *batch->newest == block)
		remote_free_twice(block, class);
	if (is_heavy(outbox))
		remote_free_send_all(outbox);
	if (batch->owner && batch->owner != owner)
		send_batch(outbox, batch);
	if (unlikely(!extend(outbox, batch, owner)))
		return false;
	*++batch->newest = block;
	if (batch->newest >= batch->end) {
		batch->end = batch->newest + grant(batch);
		weight += batch->end == batch->newest ? 0 : REMOTE_GRANT_WEIGHT;
	}
	batch->weight += weight;
	outbox->weight += weight;
	return true;
}

bool remote_free_send_one(struct remote_outbox *outbox, struct heap *owner, void *block)
{
	struct remote_message *message = take_message(outbox);

	if (unlikely(!message))
		return false;
	message->blocks[0] = block;
	message->count = 1;
	send(outbox, owner, message, message);
	return true;
}

/* What is read next comes from another processor: its lines are asked for in time. */
static void fetch(const struct remote_message *message)
{
	const char *lines = (const char *)message;
	size_t i;

	for (i = 0; message && i < sizeof(*message); i += ARCH_CACHE_LINE_BYTES)
		__builtin_prefetch(lines + i);
}

struct remote_message *remote_free_receive(struct heap *heap)
{
	struct remote_message *message = heap->received;

	/* A load first: who refills looks often, and mostly in vain. */
	if (!message && atomic_load_explicit(&heap->inbox, memory_order_relaxed))
		/* acquire: pairs with the release in push */
		message = atomic_exchange_explicit(&heap->inbox, NULL, memory_order_acquire);
	if (message) {
		heap->received = message->next;
		fetch(message->next);
	}
	return message;
}

void remote_free_drain(struct heap *heap)
{
	struct remote_returns returns = { .first = NULL };
	struct remote_message *message;
	uint64_t i;

	while ((message = remote_free_receive(heap))) {
		for (i = 0; i < message->count; i++)
			heap_note_block_received(heap, message->blocks[i]);
		heap_put_blocks(heap, message->blocks, (unsigned)message->count);
		remote_free_return(&returns, message);
	}
	remote_free_return_all(&returns);
}
