/* SPDX-License-Identifier: MIT */
/*
 * reservation_place.h - how large the heap may grow and where it lies: at a random place where
 * nobody else maps anything, or, where the machine has no such place, where the kernel reserves it.
 * Called by reservation.c and metadata.c.
 */
#ifndef HAKMEM_BACK_RESERVATION_PLACE_H
#define HAKMEM_BACK_RESERVATION_PLACE_H

#include <stddef.h>

#include "support/compiler.h"

/*
 * total_bytes: what a heap takes with its metadata. Finds *heap_bytes, a multiple of huge pages,
 * and address space for it from *place on. Returns 0 or -errno.
 */
int reservation_place_find(size_t (*total_bytes)(size_t heap_bytes), size_t *heap_bytes,
			   void **place);

/* Opens pages of metadata, some of which another may have opened. Returns 0 or -errno. */
int reservation_place_open(char *start, size_t bytes);

#endif
