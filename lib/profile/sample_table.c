/* SPDX-License-Identifier: MIT */
/*
 * sample_table.c - see sample_table.h. Samples lie dense; slots, found by hash, hold their numbers.
 */
#include <config.h>

#include "profile/sample_table.h"

#include "profile/table_memory.h"
#include "support/compiler.h"
#include "support/index.h"

#define SLOTS		(2 * SAMPLE_TABLE_SAMPLES)
#define SLOT_TAKEN_OUT	UINT32_MAX

struct sample_table {
	struct sample samples[SAMPLE_TABLE_SAMPLES];
	/* Links; 0: never used. release: pairs with the acquire in sample_table_take */
	_Atomic uint32_t slots[SLOTS];
	/*
	 * A link to the first unused one; the upper half counts, so that no change is missed
	 * (ABA).
	 */
	_Atomic uint64_t unused;
	_Atomic uint32_t used;		/* relaxed: a place is one's who took it */
	_Atomic uint64_t dropped;	/* relaxed: a count */
};

/* release: pairs with the acquire in sample_table_get() */
static _Atomic(struct sample_table *) shared;

static struct sample_table *sample_table_get(void)
{
	return atomic_load_explicit(&shared, memory_order_acquire);
}

bool sample_table_begin(void)
{
	struct sample_table *of = sample_table_get();

	if (of)
		return true;
	of = table_memory_map(sizeof(*of));
	if (of)
		atomic_store_explicit(&shared, of, memory_order_release);
	return of != NULL;
}

static uint32_t slot_of(uintptr_t block)
{
	return (uint32_t)((block >> 4) * 0x9e3779b97f4a7c15ull >> 40) % SLOTS;
}

static void put_unused(struct sample_table *of, uint32_t number)
{
	uint64_t head = atomic_load_explicit(&of->unused, memory_order_relaxed), next;

	do {
		atomic_store_explicit(&of->samples[number].next, (uint32_t)head,
				      memory_order_relaxed);
		next = ((head >> 32) + 1) << 32 | index_to_link(number);
		/* release: pairs with the acquire in take_unused */
	} while (!atomic_compare_exchange_weak_explicit(&of->unused, &head, next,
							memory_order_release,
							memory_order_relaxed));
}

/* A link; 0: all are in use. */
static uint32_t take_unused(struct sample_table *of)
{
	uint64_t head = atomic_load_explicit(&of->unused, memory_order_acquire), next;
	uint32_t number;

	while ((uint32_t)head) {
		next = ((head >> 32) + 1) << 32 |
		       atomic_load_explicit(&of->samples[index_from_link((uint32_t)head)].next,
					    memory_order_relaxed);
		if (atomic_compare_exchange_weak_explicit(&of->unused, &head, next,
							  memory_order_acquire,
							  memory_order_acquire))
			return (uint32_t)head;
	}
	number = atomic_load_explicit(&of->used, memory_order_relaxed);
	do {
		if (number == SAMPLE_TABLE_SAMPLES)
			return 0;
	} while (!atomic_compare_exchange_weak_explicit(&of->used, &number, number + 1,
							memory_order_relaxed,
							memory_order_relaxed));
	return index_to_link(number);
}

static void sample_table_enter(struct sample_table *of, uintptr_t block, uint32_t link)
{
	uint32_t place = slot_of(block);

	/* There is room: half of the slots are empty at the least. */
	for (;; place = (place + 1) % SLOTS) {
		uint32_t found = atomic_load_explicit(&of->slots[place], memory_order_relaxed);

		if ((found == 0 || found == SLOT_TAKEN_OUT) &&
		    atomic_compare_exchange_strong_explicit(&of->slots[place], &found, link,
							    memory_order_release,
							    memory_order_relaxed))
			return;
	}
}

bool sample_table_add(const struct sample_copy *from)
{
	struct sample_table *of = sample_table_get();
	struct sample *sample;
	uint32_t link = of ? take_unused(of) : 0;

	if (!link) {
		if (of)
			atomic_fetch_add_explicit(&of->dropped, 1, memory_order_relaxed);
		return false;
	}
	sample = &of->samples[index_from_link(link)];
	sample->twin = from->twin;
	sample->asked_bytes = from->asked_bytes;
	sample->objects = from->objects;
	sample->born_ns = from->born_ns;
	sample->stack = from->stack;
	atomic_store_explicit(&sample->block, from->block, memory_order_release);
	sample_table_enter(of, from->block, link);
	return true;
}

static void copy(struct sample_copy *to, const struct sample *sample, uintptr_t block)
{
	*to = (struct sample_copy){ block, sample->twin, sample->asked_bytes, sample->objects,
				    sample->born_ns, sample->stack };
}

bool sample_table_take(void *block, struct sample_copy *to)
{
	struct sample_table *of = sample_table_get();
	uint32_t place = slot_of((uintptr_t)block), probe, link;
	struct sample *sample;

	for (probe = 0; of && probe < SLOTS; probe++, place = (place + 1) % SLOTS) {
		link = atomic_load_explicit(&of->slots[place], memory_order_acquire);
		if (!link)
			return false;
		if (link == SLOT_TAKEN_OUT)
			continue;
		sample = &of->samples[index_from_link(link)];
		if (atomic_load_explicit(&sample->block, memory_order_relaxed) != (uintptr_t)block)
			continue;
		/* Freed twice at once, it is taken out once. */
		if (!atomic_compare_exchange_strong_explicit(&of->slots[place], &link,
							     SLOT_TAKEN_OUT, memory_order_acquire,
							     memory_order_relaxed))
			return false;
		copy(to, sample, (uintptr_t)block);
		atomic_store_explicit(&sample->block, 0, memory_order_relaxed);
		put_unused(of, index_from_link(link));
		return true;
	}
	return false;
}

uint32_t sample_table_places(void)
{
	struct sample_table *of = sample_table_get();

	return of ? atomic_load_explicit(&of->used, memory_order_relaxed) : 0;
}

uint64_t sample_table_dropped(void)
{
	struct sample_table *of = sample_table_get();

	return of ? atomic_load_explicit(&of->dropped, memory_order_relaxed) : 0;
}

bool RACY_READER sample_table_read(uint32_t place, struct sample_copy *to)
{
	struct sample_table *of = sample_table_get();
	struct sample *sample = &of->samples[place];
	uintptr_t block = atomic_load_explicit(&sample->block, memory_order_acquire);

	if (!block)
		return false;
	copy(to, sample, block);
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&sample->block, memory_order_relaxed) == block;
}
