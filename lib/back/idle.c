/* SPDX-License-Identifier: MIT */
/*
 * idle.c - see idle.h. A fork's child that only frees what it inherited, as most do before they
 * end, has taken nothing.
 */
#include <config.h>

#include "back/idle.h"

#include <stdatomic.h>

#include "back/charge.h"
#include "back/helper_link.h"
#include "back/large_count.h"

#define WORTH_BYTES	(4 * MiB)

static _Atomic size_t taken, put;	/* by this process; put: since it was last asked */

void idle_note_taken(size_t bytes)
{
	atomic_fetch_add_explicit(&taken, bytes, memory_order_relaxed);
}

/* What may hold pages, and nobody has. */
static size_t idle_bytes(void)
{
	struct large_counts large = large_count_read();
	size_t held = charge_populated_bytes() + large.live_bytes + large.free_dirty_bytes;
	size_t in_use = charge_taken_bytes();

	return held > in_use ? held - in_use : 0;
}

void idle_note_put(size_t bytes)
{
	size_t sum = atomic_fetch_add_explicit(&put, bytes, memory_order_relaxed) + bytes;

	if (sum < WORTH_BYTES || atomic_load_explicit(&taken, memory_order_relaxed) < WORTH_BYTES)
		return;
	atomic_store_explicit(&put, 0, memory_order_relaxed);
	if (!helper_link_is_running() && idle_bytes() >= WORTH_BYTES)
		helper_link_want();
}

void idle_after_fork_in_child(void)
{
	atomic_store_explicit(&taken, 0, memory_order_relaxed);
	atomic_store_explicit(&put, 0, memory_order_relaxed);
}
