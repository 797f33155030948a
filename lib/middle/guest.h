/* SPDX-License-Identifier: MIT */
/*
 * guest.h - where much of a heap is free blocks of sizes that are not wanted any more, larger
 * blocks are made of those that lie side by side before a slab is cut: see slab_guest.h.
 *
 * What a load leaves lies thinly in slabs: few of them become empty, and few of their pages.
 *
 * Who may run with whom: the owner of the heap alone calls this.
 */
#ifndef HAKMEM_MIDDLE_GUEST_H
#define HAKMEM_MIDDLE_GUEST_H

#include "middle/heap.h"

/* Up to count blocks for a bin of the class; 0: there is no host with room, or no need. */
unsigned guest_take_blocks(struct heap *heap, unsigned class, void **blocks, unsigned count);

#endif
