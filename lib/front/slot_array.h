/* SPDX-License-Identifier: MIT */
/*
 * slot_array.h - where a bin keeps its pointers: arrays of a power of two of slots, outside of
 * the heap. They are never given back: what one bin has outgrown serves another of the cache.
 *
 * Who may run with whom: whoever works in the thread cache, alone.
 */
#ifndef HAKMEM_FRONT_SLOT_ARRAY_H
#define HAKMEM_FRONT_SLOT_ARRAY_H

#include <stdint.h>

#define SLOT_ARRAY_LEAST	16u	/* slots: 24 bins of them take 3 KiB */
#define SLOT_ARRAY_ORDERS	11
#define SLOT_ARRAY_MOST		(SLOT_ARRAY_LEAST << (SLOT_ARRAY_ORDERS - 1))	/* 16384 */

/* Arrays that no bin uses, by order, linked through their first slots. */
struct slot_pool {
	void **unused[SLOT_ARRAY_ORDERS];
};

static inline uint32_t slot_array_slots(unsigned order)
{
	return SLOT_ARRAY_LEAST << order;
}

/* Without a system call. NULL: no memory that is open already. */
void **slot_array_take(struct slot_pool *pool, unsigned order);
void slot_array_put(struct slot_pool *pool, void **array, unsigned order);

#endif
