/* SPDX-License-Identifier: MIT */
/*
 * heap_frozen.h - heaps whose thread did not survive a fork: what is freed in them is noted slab
 * by slab, and a slab goes back when such frees alone fill it.
 *
 * Who may run with whom: any thread of the child; under the heap list lock.
 */
#ifndef HAKMEM_MIDDLE_HEAP_FROZEN_H
#define HAKMEM_MIDDLE_HEAP_FROZEN_H

struct heap;

/*
 * In a fork's child, with its one thread: every heap but own (NULL: it has none) that was
 * not idle is frozen; freeze is called for each.
 */
void heap_frozen_all_but(struct heap *own, void (*freeze)(struct heap *heap));

/* A free in a frozen heap. */
void heap_frozen_put(void *block);

#endif
