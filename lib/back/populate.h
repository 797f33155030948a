/* SPDX-License-Identifier: MIT */
/*
 * populate.h - how address space gets memory. Ranges in, nothing about slabs or blocks.
 * Here the plain kernel does it, on first touch.
 */
#ifndef HAKMEM_BACK_POPULATE_H
#define HAKMEM_BACK_POPULATE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Opens a range at the frontier for a home. heap_bytes: how large the heap is before; dense: it
 * will be filled with blocks from its low end up. Huge pages are decided here, for good. Returns 0
 * or -errno.
 */
int populate_open(void *start, size_t bytes, unsigned home, size_t heap_bytes, bool dense);

/* Since the start; what was opened for all homes is shared out evenly. */
size_t populate_opened_bytes(unsigned home);

#endif
