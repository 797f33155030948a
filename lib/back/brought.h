/* SPDX-License-Identifier: MIT */
/*
 * brought.h - how much memory got its pages before a block of it was handed out, and has not
 * been handed out yet: stock, free units beside slabs, untouched parts of slabs.
 *
 *   brought = come ahead of its use - used - given up
 *
 * Who may run with whom: anyone with anyone. relaxed, all of it: counts, which order nothing.
 */
#ifndef HAKMEM_BACK_BROUGHT_H
#define HAKMEM_BACK_BROUGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* So many bytes came ahead. */
void brought_add(size_t bytes);
/* They are blocks now. lane: any number; threads with different ones do not collide. */
void brought_use(uint32_t lane, size_t bytes);
/* They lost their pages, or became free memory like any other. */
void brought_give_up(size_t bytes);

/* Of a moment. */
size_t brought_bytes(void);

/*
 * What may be brought and not used, of a heap with so many bytes: little, until most of what
 * came was used.
 */
size_t brought_budget(size_t heap_bytes);
/* By the helper: the heap grows although much of it is free, and has the least budget. */
void brought_set_wasteful(bool is_wasteful);

#endif
