/* SPDX-License-Identifier: MIT */
/*
 * The heaps of a process, read from outside one by one, and their counts as sums: what outside.c
 * and outside_threads.c have in common.
 */
#ifndef HAKCTL_CLIENT_OUTSIDE_HEAPS_H
#define HAKCTL_CLIENT_OUTSIDE_HEAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "control/outline.h"
#include "hakctl/client/outside.h"

/* Of one class, over all heaps. */
struct outside_sum {
	uint64_t slabs, cached, free, untouched, samples, asked;
	uint32_t sent, received;
};

static inline uint64_t outside_heaps_address(const void *pointer)
{
	return (uint64_t)(uintptr_t)pointer;
}

/* Of counts that were read one after the other. */
static inline uint64_t outside_heaps_not_below_zero(int64_t value)
{
	return value > 0 ? (uint64_t)value : 0;
}

/* Adds one heap to the sums, by class, and to the ledger's counts of heaps. */
void outside_heaps_add(const struct thread_cache *cache, struct outside_sum *sums,
		       struct control_ledger *ledger);

/* Calls visit for a copy of every cache, with its heap. False: they cannot be read to the end. */
bool outside_heaps_visit(const struct outside *outside,
			 void (*visit)(const struct thread_cache *cache, void *argument),
			 void *argument);

#endif
