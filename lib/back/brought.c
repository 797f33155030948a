/* SPDX-License-Identifier: MIT */
/*
 * brought.c - see brought.h.
 */
#include <config.h>

#include "back/brought.h"

#include <stdatomic.h>

#include "support/compiler.h"

#define LANES		16
#define LEAST_BYTES	(2 * MiB)
#define HEAP_SHARE	20	/* or one in so many bytes of the heap … */
#define DENSE_SHARE	8	/* … or so many, of one that uses what is brought: */
#define DENSE_USED	4	/* so many bytes for each that it does not … */
#define DENSE_LEAST	(4 * MiB)	/* … of more than these */

static struct {
	_Atomic size_t used CACHE_ALIGNED;
} lanes[LANES];

static _Atomic size_t come, given_up;
static _Atomic bool wasteful;

void brought_add(size_t bytes)
{
	atomic_fetch_add_explicit(&come, bytes, memory_order_relaxed);
}

void brought_use(uint32_t lane, size_t bytes)
{
	atomic_fetch_add_explicit(&lanes[lane % LANES].used, bytes, memory_order_relaxed);
}

void brought_give_up(size_t bytes)
{
	atomic_fetch_add_explicit(&given_up, bytes, memory_order_relaxed);
}

static size_t used_bytes(void)
{
	size_t sum = 0;
	unsigned i;

	for (i = 0; i < LANES; i++)
		sum += atomic_load_explicit(&lanes[i].used, memory_order_relaxed);
	return sum;
}

static size_t given_up_bytes(void)
{
	return atomic_load_explicit(&given_up, memory_order_relaxed);
}

/* What was used is read first: it came before. */
size_t brought_bytes(void)
{
	size_t gone = used_bytes() + given_up_bytes();

	return atomic_load_explicit(&come, memory_order_relaxed) - gone;
}

void brought_set_wasteful(bool is_wasteful)
{
	atomic_store_explicit(&wasteful, is_wasteful, memory_order_relaxed);
}

size_t brought_budget(size_t heap_bytes)
{
	size_t unused = brought_bytes() + given_up_bytes(), used = used_bytes();

	if (atomic_load_explicit(&wasteful, memory_order_relaxed))
		return LEAST_BYTES;
	if (used >= DENSE_LEAST && used / DENSE_USED >= unused)
		return max_size(LEAST_BYTES, heap_bytes / DENSE_SHARE);
	return max_size(LEAST_BYTES, heap_bytes / HEAP_SHARE);
}
