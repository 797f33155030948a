/* SPDX-License-Identifier: MIT */
/*
 * slab_list.c - see slab_list.h.
 */
#include <config.h>

#include "middle/slab_list.h"

#include "back/index_list.h"
#include "support/invariant.h"

static ALWAYS_INLINE struct index_link link_in(struct slab *slab)
{
	return (struct index_link){ &slab->next, &slab->previous };
}

static ALWAYS_INLINE struct index_link slab_list_link_of(uint32_t first)
{
	return link_in(slab_unit(first));
}

static ALWAYS_INLINE struct index_list slab_list_list_of(struct slab_list *list)
{
	return (struct index_list){ &list->head, &list->tail, slab_list_link_of };
}

void slab_list_push_head(struct slab_list *list, uint32_t first, struct slab *slab)
{
	INVARIANT(!slab->listed);
	slab->listed = true;
	list->count++;
	index_list_push_head(slab_list_list_of(list), first, link_in(slab));
	INVARIANT(index_list_has(slab_list_list_of(list), link_in(slab)));
}

void slab_list_push_tail(struct slab_list *list, uint32_t first, struct slab *slab)
{
	INVARIANT(!slab->listed);
	slab->listed = true;
	list->count++;
	index_list_push_tail(slab_list_list_of(list), first, link_in(slab));
	INVARIANT(index_list_has(slab_list_list_of(list), link_in(slab)));
}

void slab_list_prepend(struct slab_list *list, struct slab_list front)
{
	if (!front.head)
		return;
	slab_unit(index_from_link(front.tail))->next = list->head;
	if (list->head)
		slab_unit(index_from_link(list->head))->previous = front.tail;
	else
		list->tail = front.tail;
	list->head = front.head;
	list->count += front.count;
}

void slab_list_remove(struct slab_list *list, struct slab *slab)
{
	INVARIANT(slab->listed && index_list_has(slab_list_list_of(list), link_in(slab)));
	slab->listed = false;
	list->count--;
	index_list_remove(slab_list_list_of(list), link_in(slab));
}
