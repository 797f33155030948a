/* SPDX-License-Identifier: MIT */
/*
 * index_stack.h - numbers of records (superslabs, units) that threads pass on without a lock.
 * Who may run with whom:
 *
 *   index_stack_push     anyone, any time; a thread that stops within it holds up nobody
 *   index_stack_take     takes all at once, so there is no ABA; then index_stack_leave for
 *                        each, by the same thread
 *
 * A record is on a stack at most once: its link is 0 when it is on none, else the next one.
 * What the push announces was written before it; if the record was on the stack already,
 * whoever leaves it reads the record after its link is 0. Both sides change the link with a
 * sequentially consistent operation, so one of them sees the other.
 */
#ifndef HAKMEM_BACK_INDEX_STACK_H
#define HAKMEM_BACK_INDEX_STACK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "support/index.h"

#define INDEX_STACK_END		UINT32_MAX	/* the link of the lowest; 0: it is on none */

struct index_stack {
	_Atomic uint32_t head;	/* a link: see index.h */
};

/* False: it is on the stack, or in the hands of who took it, already. */
static inline bool index_stack_push(struct index_stack *stack, uint32_t index,
				    _Atomic uint32_t *link)
{
	uint32_t none = 0, head;

	/* seq_cst: pairs with index_stack_leave */
	if (!atomic_compare_exchange_strong(link, &none, INDEX_STACK_END))
		return false;
	head = atomic_load_explicit(&stack->head, memory_order_relaxed);
	do {
		atomic_store_explicit(link, head ? head : INDEX_STACK_END, memory_order_relaxed);
		/* release: pairs with index_stack_take, which reads the link */
	} while (!atomic_compare_exchange_weak_explicit(&stack->head, &head, index_to_link(index),
							memory_order_release,
							memory_order_relaxed));
	return true;
}

/* A link to the first; 0: there is none. */
static inline uint32_t index_stack_take(struct index_stack *stack)
{
	/* A load first: takers look often, and mostly in vain. */
	if (!atomic_load_explicit(&stack->head, memory_order_relaxed))
		return 0;
	/* acquire: pairs with index_stack_push */
	return atomic_exchange_explicit(&stack->head, 0, memory_order_acquire);
}

/* From here on the record may be pushed again. Returns a link to the next; 0: it was the last. */
static inline uint32_t index_stack_leave(_Atomic uint32_t *link)
{
	/* seq_cst: pairs with index_stack_push */
	uint32_t next = atomic_exchange(link, 0);

	return next == INDEX_STACK_END ? 0 : next;
}

/*
 * Instead of leaving them, who took them may keep them in lists of its own, through the same links,
 * so that nobody pushes them. relaxed: others only ask whether a link is 0.
 */
static inline void index_stack_keep(uint32_t *list, uint32_t index, _Atomic uint32_t *link)
{
	atomic_store_explicit(link, *list ? *list : INDEX_STACK_END, memory_order_relaxed);
	*list = index_to_link(index);
}

/* The first of a list is no longer in it, and not left yet. link: its own. */
static inline void index_stack_drop_first(uint32_t *list, const _Atomic uint32_t *link)
{
	uint32_t next = atomic_load_explicit(link, memory_order_relaxed);

	*list = next == INDEX_STACK_END ? 0 : next;
}

#endif
