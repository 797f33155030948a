/* SPDX-License-Identifier: MIT */
/*
 * slab_list.h - a heap's slabs of one class that have free blocks; fuller ones nearer the
 * head, empty ones at the tail. The heap's owner alone may call it.
 */
#ifndef HAKMEM_MIDDLE_SLAB_LIST_H
#define HAKMEM_MIDDLE_SLAB_LIST_H

#include <stdint.h>

#include "middle/slab.h"

struct slab_list {
	uint32_t head, tail;	/* links by unit */
	uint32_t count;
	uint32_t empty;		/* of these; by heap.c */
};

/* first: the slab's first unit. */
void slab_list_push_head(struct slab_list *list, uint32_t first, struct slab *slab);
void slab_list_push_tail(struct slab_list *list, uint32_t first, struct slab *slab);
/* All of front goes before what the list holds. */
void slab_list_prepend(struct slab_list *list, struct slab_list front);
void slab_list_remove(struct slab_list *list, struct slab *slab);

#endif
