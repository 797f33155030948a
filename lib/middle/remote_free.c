/* SPDX-License-Identifier: MIT */
/*
 * remote_free.c - see remote_free.h. The idea of batches that go home as messages is
 * snmalloc's (Liétar et al., ISMM 2019), whose messages are the blocks themselves.
 */
#include <config.h>

#include "middle/remote_free.h"

#include <limits.h>

#include "back/metadata.h"
#include "middle/heap_frozen.h"
#include "middle/slab_remote.h"
#include "support/log.h"

#define PARTS			64	/* of the superslabs: bits of remote_slabs */
#define MESSAGES_AT_ONCE	16	/* no call waits for many */

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
	message = metadata_take_open_first(sizeof(*message));
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
		/*
		 * release: pairs with the acquire in remote_free_receive and take_message; seq_cst
		 * besides: see remote_free_visit_if_idle
		 */
	} while (!atomic_compare_exchange_weak_explicit(stack, &head, first,
							memory_order_seq_cst,
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

static void push_counted(struct heap *owner, const struct remote_batch *batch)
{
	push(&owner->inbox, batch->first, batch->last);
	atomic_fetch_add_explicit(&owner->waiting, batch->messages, memory_order_relaxed);
}

/* seq_cst: pairs with push and leave_in_slab */
static bool has_come_for_nobody(struct heap *heap)
{
	return atomic_load(&heap->hold) == HEAP_IDLE &&
	       (atomic_load(&heap->inbox) || atomic_load(&heap->remote_slabs));
}

/*
 * seq_cst: who sends reads the hold behind his message, and who lets go reads the inbox behind the
 * hold: one of the two sees the other. So what comes while somebody has the heap stays for nobody.
 */
void remote_free_visit_if_idle(struct heap *owner)
{
	while (unlikely(has_come_for_nobody(owner)) && heap_visit(owner)) {
		remote_free_drain(owner);
		heap_put_empty_slabs(owner);
		heap_give_back(owner);
	}
}

static void send(struct remote_outbox *outbox, struct heap *owner,
		 const struct remote_batch *batch)
{
	if (unlikely(heap_is_frozen(owner))) {
		send_frozen(outbox, batch->first, batch->last);
		return;
	}
	push_counted(owner, batch);
	remote_free_visit_if_idle(owner);
}

/* What has no thread reads no messages either, but whoever sends to it does. */
static bool is_reading(const struct heap *owner)
{
	return atomic_load_explicit(&owner->waiting, memory_order_relaxed) < INBOX_MESSAGES;
}

/* Instead of a message. False: no memory for it, or the owner is frozen. */
static bool leave_in_slab(struct heap *owner, void *block)
{
	uint32_t unit = reservation_unit_of(block);
	uint64_t part = (uint64_t)1 << unit / SUPERSLAB_UNITS % PARTS;

	if (heap_is_frozen(owner))
		return false;
	switch (slab_remote_put(block)) {
	case SLAB_REMOTE_REFUSED:
		slab_refuse(slab_first_unit(unit), block);
	case SLAB_REMOTE_NO_MEMORY:
		return false;
	case SLAB_REMOTE_PUT:
		break;
	}
	/* seq_cst: pairs with take_part, which reads the superslabs after it has cleared the bit */
	if (!(atomic_load(&owner->remote_slabs) & part))
		atomic_fetch_or(&owner->remote_slabs, part);
	remote_free_visit_if_idle(owner);
	return true;
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

	send(outbox, taken.owner, &taken);
}

void remote_free_post_all(struct remote_outbox *outbox)
{
	unsigned i;

	for (i = 0; outbox->pending && i < OUTBOX_BATCHES; i++) {
		struct remote_batch *batch = &outbox->batches[i];

		if (!batch->owner || heap_is_frozen(batch->owner))
			continue;
		struct remote_batch taken = take_batch(outbox, batch);

		push_counted(taken.owner, &taken);
	}
}

void remote_free_send_all(struct remote_outbox *outbox)
{
	unsigned i;

	for (i = 0; outbox->pending && i < OUTBOX_BATCHES; i++)
		if (outbox->batches[i].owner)
			send_batch(outbox, &outbox->batches[i]);
}

/* The block is the newest, of another message if need be. */
static bool append_block(struct remote_outbox *outbox, struct remote_batch *batch,
			 struct heap *owner, void *block)
{
	struct remote_message *message;

	if (batch->owner && batch->newest < batch->first->blocks + REMOTE_BLOCKS - 1) {
		*++batch->newest = block;
		return true;
	}
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
	batch->messages++;
	message->blocks[0] = block;
	batch->newest = batch->end = message->blocks;
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
	if (unlikely(!batch->owner && !is_reading(owner)) && leave_in_slab(owner, block))
		return true;
	if (unlikely(!append_block(outbox, batch, owner, block)))
		return false;
	if (batch->newest >= batch->end) {
		batch->end = batch->newest + grant(batch);
		weight += batch->end == batch->newest ? 0 : REMOTE_GRANT_WEIGHT;
	}
	batch->weight += (uint32_t)weight;
	outbox->weight += weight;
	return true;
}

bool remote_free_send_one(struct remote_outbox *outbox, struct heap *owner, void *block)
{
	struct remote_message *message;

	if (unlikely(!is_reading(owner)) && leave_in_slab(owner, block))
		return true;
	message = take_message(outbox);
	if (unlikely(!message))
		return false;
	message->blocks[0] = block;
	message->count = 1;
	send(outbox, owner,
	     &(struct remote_batch){ .first = message, .last = message, .messages = 1 });
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
	if (!message && atomic_load_explicit(&heap->inbox, memory_order_relaxed)) {
		/* acquire: pairs with the release in push */
		message = atomic_exchange_explicit(&heap->inbox, NULL, memory_order_acquire);
		/* What a sender adds just now counts for nothing until the next time. */
		atomic_store_explicit(&heap->waiting, 0, memory_order_relaxed);
	}
	if (message) {
		heap->received = message->next;
		fetch(message->next);
	}
	return message;
}

/* Blocks of one word of a slab, in the order of their addresses. */
static void put_word(struct heap *heap, uint32_t first, unsigned word, uint64_t bits)
{
	const struct slab *slab = slab_unit(first);
	size_t size = slab_class(slab)->size;
	char *start = reservation_unit_start(first) + word * 64 * size;
	void *blocks[64];
	unsigned count = 0;

	for (; bits; bits &= bits - 1)
		blocks[count++] = start + (unsigned)__builtin_ctzll(bits) * size;
	heap_count_add(&heap->counts[slab_class_number(slab)].received, count);
	heap_put_blocks(heap, blocks, count);
}

/* What was left in slabs of one part of the superslabs. */
static void take_part(struct heap *heap, unsigned part)
{
	uint32_t superslab, first, end;
	uint64_t words[SLAB_REMOTE_WORDS];
	unsigned i;

	/* seq_cst: pairs with leave_in_slab */
	atomic_fetch_and(&heap->remote_slabs, ~((uint64_t)1 << part));
	end = superslab_count();
	for (superslab = part; superslab < end; superslab += PARTS)
		while ((first = slab_remote_take(superslab, heap, words)) != UNIT_NONE)
			for (i = 0; i < SLAB_REMOTE_WORDS; i++)
				if (words[i])
					put_word(heap, first, i, words[i]);
}

/* False: nothing was left. */
static bool take_some_part(struct heap *heap)
{
	uint64_t parts = atomic_load_explicit(&heap->remote_slabs, memory_order_relaxed);

	if (parts)
		take_part(heap, (unsigned)__builtin_ctzll(parts));
	return parts;
}

/* relaxed: a hint */
static bool has_messages(const struct heap *heap)
{
	return heap->received || atomic_load_explicit(&heap->inbox, memory_order_relaxed);
}

static void read_into_slabs(struct heap *heap, unsigned most)
{
	struct remote_returns returns = { .first = NULL };
	struct remote_message *message;
	uint64_t i;

	while (most-- && (message = remote_free_receive(heap))) {
		for (i = 0; i < message->count; i++)
			heap_note_block_received(heap, message->blocks[i]);
		heap_put_blocks(heap, message->blocks, (unsigned)message->count);
		remote_free_return(&returns, message);
	}
	remote_free_return_all(&returns);
}

void remote_free_catch_up(struct heap *heap)
{
	uint64_t parts = atomic_load_explicit(&heap->remote_slabs, memory_order_relaxed);

	read_into_slabs(heap, MESSAGES_AT_ONCE);
	/* The last part waits until all have been read: then the owner is not outrun any more. */
	if (parts & (parts - 1) || !has_messages(heap))
		take_some_part(heap);
}

void remote_free_drain(struct heap *heap)
{
	read_into_slabs(heap, UINT_MAX);
	while (take_some_part(heap))
		;
}
