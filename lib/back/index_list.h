/* SPDX-License-Identifier: MIT */
/*
 * index_list.h - lists of records that are known by number (units, superslabs), linked both ways.
 * Links, heads and tails are links as index.h has them, so memory of zeros is an empty list.
 *
 * Who may run with whom: nobody with anybody, on one list.
 */
#ifndef HAKMEM_BACK_INDEX_LIST_H
#define HAKMEM_BACK_INDEX_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "support/compiler.h"
#include "support/index.h"

/* Where a record has its links. */
struct index_link {
	uint32_t *next, *previous;
};

/* tail: NULL, where the list's end is of no interest; the same for all that is done to a list. */
struct index_list {
	uint32_t *head, *tail;
	struct index_link (*link_of)(uint32_t index);	/* to be inlined */
};

/* The links of the record that a link leads to. */
static ALWAYS_INLINE struct index_link index_list_at(struct index_list list, uint32_t link)
{
	return list.link_of(index_from_link(link));
}

/* For an INVARIANT: both neighbours, or the ends of the list, lead to it. */
static ALWAYS_INLINE bool index_list_has(struct index_list list, struct index_link link)
{
	uint32_t before = *link.previous ? *index_list_at(list, *link.previous).next : *list.head;
	uint32_t behind = *link.next ? *index_list_at(list, *link.next).previous :
			  list.tail  ? *list.tail :
				       before;

	return before && before == behind && index_list_at(list, before).next == link.next;
}

static ALWAYS_INLINE void index_list_push_head(struct index_list list, uint32_t index,
						struct index_link link)
{
	*link.previous = 0;
	*link.next = *list.head;
	if (*list.head)
		*index_list_at(list, *list.head).previous = index_to_link(index);
	else if (list.tail)
		*list.tail = index_to_link(index);
	*list.head = index_to_link(index);
}

static ALWAYS_INLINE void index_list_push_tail(struct index_list list, uint32_t index,
						struct index_link link)
{
	*link.next = 0;
	*link.previous = *list.tail;
	if (*list.tail)
		*index_list_at(list, *list.tail).next = index_to_link(index);
	else
		*list.head = index_to_link(index);
	*list.tail = index_to_link(index);
}

static ALWAYS_INLINE void index_list_remove(struct index_list list, struct index_link link)
{
	uint32_t next = *link.next, previous = *link.previous;

	if (next)
		*index_list_at(list, next).previous = previous;
	else if (list.tail)
		*list.tail = previous;
	if (previous)
		*index_list_at(list, previous).next = next;
	else
		*list.head = next;
}

#endif
