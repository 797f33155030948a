/* SPDX-License-Identifier: MIT */
/*
 * slab_list.c - see slab_list.h.
 */
#include <config.h>

#include "middle/slab_list.h"

#include "support/invariant.h"

/* Both neighbours, or the ends of the list, lead to it. */
static bool is_linked(const struct slab_list *list, const struct slab *slab)
{
	uint32_t before = slab->previous ? slab_unit(slab->previous - 1)->next : list->head;
	uint32_t behind = slab->next ? slab_unit(slab->next - 1)->previous : list->tail;

	return before && before == behind && slab_unit(before - 1) == slab;
}

void slab_list_push_head(struct slab_list *list, uint32_t first, struct slab *slab)
{
	INVARIANT(!slab->listed);
	slab->listed = true;
	list->count++;
	slab->previous = 0;
	slab->next = list->head;
	if (list->head)
		slab_unit(list->head - 1)->previous = first + 1;
	else
		list->tail = first + 1;
	list->head = first + 1;
	INVARIANT(is_linked(list, slab));
}

void slab_list_push_tail(struct slab_list *list, uint32_t first, struct slab *slab)
{
	INVARIANT(!slab->listed);
	slab->listed = true;
	list->count++;
	slab->next = 0;
	slab->previous = list->tail;
	if (list->tail)
		slab_unit(list->tail - 1)->next = first + 1;
	else
		list->head = first + 1;
	list->tail = first + 1;
	INVARIANT(is_linked(list, slab));
}

void slab_list_prepend(struct slab_list *list, struct slab_list front)
{
	if (!front.head)
		return;
	slab_unit(front.tail - 1)->next = list->head;
	if (list->head)
		slab_unit(list->head - 1)->previous = front.tail;
	else
		list->tail = front.tail;
	list->head = front.head;
	list->count += front.count;
}

void slab_list_remove(struct slab_list *list, struct slab *slab)
{
	INVARIANT(slab->listed && is_linked(list, slab));
	slab->listed = false;
	list->count--;
	if (slab->next)
		slab_unit(slab->next - 1)->previous = slab->previous;
	else
		list->tail = slab->previous;
	if (slab->previous)
		slab_unit(slab->previous - 1)->next = slab->next;
	else
		list->head = slab->next;
}
