/* SPDX-License-Identifier: MIT */
/*
 * stack_table.c - see stack_table.h. Open addressing; a stack is written before its number is
 * entered. Two threads that bring the same one at once may enter it twice: whoever reads adds up.
 */
#include <config.h>

#include "profile/stack_table.h"

#include <string.h>

#include "profile/table_memory.h"

#define SLOTS	(2 * STACK_TABLE_STACKS)

struct stack_table {
	struct call_stack_record stacks[STACK_TABLE_STACKS];
	uint64_t frames[STACK_TABLE_FRAMES];
	/* number of a stack; 0: empty. release: what it says is written */
	_Atomic uint32_t slots[SLOTS];
	_Atomic uint32_t stacks_used, frames_used;	/* relaxed: a place is one's who took it */
	_Atomic uint64_t dropped;	/* relaxed: a count */
};

/* release: pairs with the acquire in stack_table_get() */
static _Atomic(struct stack_table *) shared;

static struct stack_table *stack_table_get(void)
{
	return atomic_load_explicit(&shared, memory_order_acquire);
}

static void forget_counts(struct stack_table *of)
{
	uint32_t i, used = stack_table_stacks();

	for (i = 0; i < used; i++) {
		atomic_store_explicit(&of->stacks[i].objects, 0, memory_order_relaxed);
		atomic_store_explicit(&of->stacks[i].bytes, 0, memory_order_relaxed);
		atomic_store_explicit(&of->stacks[i].samples, 0, memory_order_relaxed);
	}
	atomic_store_explicit(&of->dropped, 0, memory_order_relaxed);
}

bool stack_table_begin(void)
{
	struct stack_table *of = stack_table_get();

	if (of) {
		forget_counts(of);
		return true;
	}
	of = table_memory_map(sizeof(*of));
	if (!of)
		return false;
	atomic_store_explicit(&of->stacks_used, 1, memory_order_relaxed);
	atomic_store_explicit(&shared, of, memory_order_release);
	return true;
}

static uint64_t hash_of(const uint64_t *frames, unsigned depth)
{
	uint64_t hash = depth;
	unsigned i;

	for (i = 0; i < depth; i++) {
		hash = (hash ^ frames[i]) * 0x9e3779b97f4a7c15ull;
		hash ^= hash >> 29;
	}
	return hash;
}

/* A place of one's own, or false. */
static bool take_place(_Atomic uint32_t *used, uint32_t count, uint32_t most, uint32_t *place)
{
	uint32_t first = atomic_load_explicit(used, memory_order_relaxed);

	do {
		if (first + count > most)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(used, &first, first + count,
							memory_order_relaxed,
							memory_order_relaxed));
	*place = first;
	return true;
}

/* 0: no room. */
static uint32_t stack_table_add(struct stack_table *of, uint64_t hash, const uint64_t *frames,
				unsigned depth)
{
	struct call_stack_record *stack;
	uint32_t number, first;

	if (!take_place(&of->frames_used, depth, STACK_TABLE_FRAMES, &first) ||
	    !take_place(&of->stacks_used, 1, STACK_TABLE_STACKS, &number))
		return 0;
	memcpy(of->frames + first, frames, depth * sizeof(*frames));
	stack = &of->stacks[number];
	stack->first_frame = first;
	stack->hash = hash;
	__atomic_store_n(&stack->depth, depth, __ATOMIC_RELEASE);
	return number;
}

static bool is(const struct stack_table *of, uint32_t number, uint64_t hash, const uint64_t *frames,
	       unsigned depth)
{
	const struct call_stack_record *stack = &of->stacks[number];

	return stack->hash == hash && stack->depth == depth &&
	       memcmp(of->frames + stack->first_frame, frames, depth * sizeof(*frames)) == 0;
}

static uint32_t find_entry(struct stack_table *of, uint64_t hash, const uint64_t *frames,
			   unsigned depth)
{
	uint32_t probe, number;

	for (probe = 0; probe < SLOTS; probe++) {
		_Atomic uint32_t *slot = &of->slots[(hash + probe) % SLOTS];

		number = atomic_load_explicit(slot, memory_order_acquire);
		if (number && is(of, number, hash, frames, depth))
			return number;
		if (number)
			continue;
		number = stack_table_add(of, hash, frames, depth);
		if (number) {
			uint32_t empty = 0;

			/* Taken meanwhile: it is known by its number alone, and found by nobody. */
			atomic_compare_exchange_strong_explicit(slot, &empty, number,
								memory_order_release,
								memory_order_relaxed);
		}
		return number;
	}
	return 0;
}

uint32_t stack_table_find(const uint64_t *frames, unsigned depth)
{
	struct stack_table *of = stack_table_get();
	uint32_t number = 0;

	if (!of)
		return 0;
	if (depth)
		number = find_entry(of, hash_of(frames, depth), frames, depth);
	if (!number)
		atomic_fetch_add_explicit(&of->dropped, 1, memory_order_relaxed);
	return number;
}

void stack_table_count(uint32_t stack, uint64_t objects, uint64_t bytes)
{
	struct call_stack_record *record = &stack_table_get()->stacks[stack];

	atomic_fetch_add_explicit(&record->objects, objects, memory_order_relaxed);
	atomic_fetch_add_explicit(&record->bytes, bytes, memory_order_relaxed);
	atomic_fetch_add_explicit(&record->samples, 1, memory_order_relaxed);
}

uint32_t stack_table_stacks(void)
{
	struct stack_table *of = stack_table_get();

	return of ? atomic_load_explicit(&of->stacks_used, memory_order_relaxed) : 0;
}

uint64_t stack_table_dropped(void)
{
	struct stack_table *of = stack_table_get();

	return of ? atomic_load_explicit(&of->dropped, memory_order_relaxed) : 0;
}

const struct call_stack_record *stack_table_read(uint32_t stack, const uint64_t **frames)
{
	struct stack_table *of = stack_table_get();

	if (stack >= stack_table_stacks() ||
	    (stack && !__atomic_load_n(&of->stacks[stack].depth, __ATOMIC_ACQUIRE)))
		return NULL;
	*frames = of->frames + of->stacks[stack].first_frame;
	return &of->stacks[stack];
}
