/* SPDX-License-Identifier: MIT */
/*
 * index_list.h - lists of records that are known by number (units, superslabs), linked both ways.
 * A link, a head and a tail are a number + 1, so that memory of zeros is an empty list.
 *
 * Who may run with whom: nobody with anybody, on one list.
 */
#ifndef HAKMEM_BACK_INDEX_LIST_H
#define HAKMEM_BACK_INDEX_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "support/compiler.h"

/* Where a record has its links. */
struct index_link {
	uint32_t *next, *previous;
};

/* tail: NULL, where the list's end is of no interest; the same for all that is done to a list. */
struct index_list {
	uint32_t *head, *tail;
	struct index_link (*link_of)(uint32_t index);	/* to be inlined */
};

/* For an INVARIANT: both neighbours, or the ends of the list, lead to it. */
static ALWAYS_INLINE bool index_list_has(struct index_list list, struct index_link link)
{
	uint32_t before = *link.previous ? *list.link_of(*link.previous - 1).next : *list.head;
	uint32_t behind = *link.next ? *list.link_of(*link.next - 1).previous :
			  list.tail  ? *list.tail :
				       before;

	return before && before == behind && list.link_of(before - 1).next == link.next;
}

static ALWAYS_INLINE void index_list_push_head(struct index_list list, uint32_t index,
						struct index_link link)
{
	*link.previous = 0;
	*link.next = *list.head;
	if (*list.head)
		*list.link_of(*list.head - 1).previous = index + 1;
	else if (list.tail)
		*list.tail = index + 1;
	*list.head = index + 1;
}

static ALWAYS_INLINE void index_list_push_tail(struct index_list list, uint32_t index,
						struct index_link link)
{
	*link.next = 0;
	*link.previous = *list.tail;
	if (*list.tail)
		*list.link_of(*list.tail - 1).next = index + 1;
	else
		*list.head = index + 1;
	*list.tail = index + 1;
}

static ALWAYS_INLINE void index_list_remove(struct index_list list, struct index_link link)
{
	uint32_t next = *link.next, previous = *link.previous;

	if (next)
		*list.link_of(next - 1).previous = previous;
	else if (list.tail)
		*list.tail = previous;
	if (previous)
		*list.link_of(previous - 1).next = next;
	else
		*list.head = next;
}

#endif
