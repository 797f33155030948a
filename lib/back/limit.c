/* SPDX-License-Identifier: MIT */
/*
 * limit.c - see limit.h.
 */
#include <config.h>

#include "back/limit.h"

#include <stdatomic.h>

#include "back/charge.h"
#include "back/helper_link.h"
#include "back/large.h"
#include "back/large_count.h"
#include "back/metadata.h"
#include "back/release.h"
#include "back/stock.h"
#include "back/superslab.h"
#include "back/superslab_trim.h"
#include "back/wait_count.h"
#include "os/thread.h"
#include "os/topology.h"
#include "support/log.h"

#define THROTTLE_NAP_NS	5000000ull
#define THROTTLE_NAPS	200
#define STAGED_BYTES	(4 * MiB)	/* at most, where there is a helper */

/*
 * Of what has pages; what had some keeps its records, which are 0.9 % of it. Not by the highest
 * superslab: the large range may have opened any address space below it.
 */
static size_t all_metadata_bytes(size_t large_bytes)
{
	return (charge_populated_bytes() >> UNIT_SHIFT) * UNIT_RECORD_BYTES +
	       (large_bytes >> UNIT_SHIFT) * LARGE_RECORD_BYTES + metadata_bytes();
}

size_t limit_held_bytes(void)
{
	struct large_counts large = large_count_read();
	size_t held = charge_populated_bytes() + large.live_bytes + large.free_dirty_bytes;
	unsigned home;

	for (home = 0; home < topology.homes; home++)
		held += stock_length(home, STOCK_READY) * SUPERSLAB_SIZE;
	held += all_metadata_bytes(large.live_bytes);
	return helper_link_is_running() ? held + STAGED_BYTES : held;
}

bool limit_wants_room(void)
{
	return options.limit_soft_bytes != SIZE_MAX &&
	       limit_held_bytes() > options.limit_soft_bytes;
}

static _Atomic enum limit_action action;	/* relaxed: a word */

void limit_set_action(enum limit_action wanted)
{
	atomic_store_explicit(&action, wanted, memory_order_relaxed);
}

enum limit_action limit_get_action(void)
{
	return atomic_load_explicit(&action, memory_order_relaxed);
}

static bool is_beyond(size_t bytes)
{
	size_t held = limit_held_bytes();

	return !charge_allows(bytes) || held > options.limit_hard_bytes ||
	       bytes > options.limit_hard_bytes - held;
}

bool limit_try_again(size_t bytes, unsigned *tries)
{
	enum limit_action now = limit_get_action();
	uint64_t began_ns;

	if (now == LIMIT_NULL || options.limit_hard_bytes == SIZE_MAX || !is_beyond(bytes))
		return false;
	if (now == LIMIT_ABORT)
		log_fatal("limit_hard: %zu more bytes are wanted than it allows", bytes);
	if (++*tries > THROTTLE_NAPS)
		return false;
	/* It may sleep for long, and has been told to hurry. */
	helper_link_wake();
	began_ns = wait_count_begin();
	thread_nap(THROTTLE_NAP_NS);
	wait_count_end(began_ns);
	return true;
}

static size_t refused_ranges(void)
{
	struct release_counts counts;

	release_read(&counts);
	return counts.refused;
}

bool limit_make_room(void)
{
	size_t refused;

	if (limit_held_bytes() <= options.limit_hard_bytes)
		return true;
	refused = refused_ranges();
	superslab_take_stock();
	superslab_trim();
	large_trim();
	/*
	 * What the kernel does not take would count for ever; charge_take bounds what is in
	 * use.
	 */
	return limit_held_bytes() <= options.limit_hard_bytes || refused_ranges() != refused;
}
