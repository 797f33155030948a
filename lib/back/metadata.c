/* SPDX-License-Identifier: MIT */
/*
 * metadata.c - see metadata.h.
 */
#include <config.h>

#include "back/metadata.h"

#include <stdatomic.h>
#include <stdint.h>

#include "back/frontier.h"
#include "back/reservation_place.h"
#include "support/arch.h"
#include "support/compiler.h"

#define STEP_BYTES	(256 * KiB)
#define AHEAD_BYTES	(128 * KiB)	/* what a cache grows by enters no kernel */

/* By the frontier's lock; the last stays. */
static char *next, *opened, *last;

static _Atomic size_t taken_bytes;	/* relaxed: a count */

void metadata_begin(char *start, char *end)
{
	next = opened = start;
	last = end;
}

/* end: one of the three above, read with the lock. NULL: there is none below it. */
static char *take_below(size_t bytes, char *const *end)
{
	char *taken = NULL;

	frontier_lock();
	if (*end >= next && (size_t)(*end - next) >= bytes) {
		taken = next;
		next += bytes;
		atomic_fetch_add_explicit(&taken_bytes, bytes, memory_order_relaxed);
	}
	frontier_unlock();
	return taken;
}

/* Unless more was taken behind it: then the address space is lost. */
static void metadata_put_back(char *taken, size_t bytes)
{
	frontier_lock();
	if (next == taken + bytes) {
		next = taken;
		atomic_fetch_sub_explicit(&taken_bytes, bytes, memory_order_relaxed);
	}
	frontier_unlock();
}

static int open_to(char *end)
{
	char *from;
	int error;

	frontier_lock();
	from = opened;
	frontier_unlock();
	if (end <= from)
		return 0;
	error = reservation_place_open(from, (size_t)(end - from));
	if (error)
		return error;
	frontier_lock();
	if (opened < end)
		opened = end;
	frontier_unlock();
	return 0;
}

static char *step_of(const char *address)
{
	char *end = (char *)align_up((uintptr_t)address, STEP_BYTES);

	return end < last ? end : last;
}

void metadata_open_ahead(void)
{
	open_to(step_of(next + AHEAD_BYTES));
}

void *metadata_take(size_t bytes)
{
	char *taken;

	bytes = align_up(bytes, ARCH_CACHE_LINE_BYTES);
	taken = take_below(bytes, &last);
	if (!taken)
		return NULL;
	/* What lies ahead can be done without. */
	if (open_to(step_of(taken + bytes + AHEAD_BYTES)) && open_to(step_of(taken + bytes))) {
		metadata_put_back(taken, bytes);
		return NULL;
	}
	return taken;
}

void *metadata_take_open(size_t bytes)
{
	return take_below(align_up(bytes, ARCH_CACHE_LINE_BYTES), &opened);
}

void *metadata_take_open_first(size_t bytes)
{
	void *taken = metadata_take_open(bytes);

	return taken ? taken : metadata_take(bytes);
}

void metadata_prepare(size_t bytes)
{
	char *from;

	frontier_lock();
	from = next;
	frontier_unlock();
	open_to(step_of(from + align_up(bytes, ARCH_CACHE_LINE_BYTES) + AHEAD_BYTES));
}

size_t metadata_bytes(void)
{
	return atomic_load_explicit(&taken_bytes, memory_order_relaxed) +
	       frontier_unit() * FRONTIER_BIN_BYTES;
}
