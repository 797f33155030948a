/* SPDX-License-Identifier: MIT */
/*
 * control_purge.c - see control_purge.h.
 */
#include <config.h>

#include "entry/control_purge.h"

#include "back/release.h"
#include "entry/ledger.h"
#include "front/reclaim.h"
#include "os/process.h"

#define NS_PER_MS	1000000ull
#define TIMEOUT_MOST_MS	60000
#define QUIET_NS	300000000ull	/* nothing more went for so long: it is done */

static struct {
	bool is_on;
	uint64_t began_ns, end_ns, moved_ns;	/* moved: when something last went */
	uint64_t before, seen;			/* bytes released since the start of the process */
} purge;

static uint64_t released(void)
{
	struct release_counts counts;

	release_read(&counts);
	return counts.ring + counts.vector + counts.plain;
}

bool control_purge_is_on(void)
{
	return purge.is_on;
}

uint16_t control_purge_begin(const struct control_purge *request, const char **cause)
{
	uint64_t now_ns = process_now_ns();
	uint64_t timeout_ms = request->timeout_ms;

	if (request->flags & ~(CONTROL_PURGE_WAIT | CONTROL_PURGE_CACHES)) {
		*cause = "a purge of an unknown kind";
		return CONTROL_BAD_REQUEST;
	}
	if (timeout_ms > TIMEOUT_MOST_MS)
		timeout_ms = TIMEOUT_MOST_MS;
	if (!(request->flags & CONTROL_PURGE_WAIT))
		timeout_ms = 0;
	/* A second one only waits longer. */
	if (!purge.is_on)
		purge.before = purge.seen = released(), purge.began_ns = now_ns;
	purge.is_on = true;
	if (request->flags & CONTROL_PURGE_CACHES)
		reclaim_all(true);
	purge.moved_ns = now_ns;
	purge.end_ns = now_ns + timeout_ms * NS_PER_MS;
	return 0;
}

/* Goes on after its answer, until nothing moves any more. */
void control_purge_tick(uint64_t now_ns)
{
	uint64_t now = released();

	if (now != purge.seen)
		purge.moved_ns = now_ns;
	purge.seen = now;
	if (now_ns > purge.moved_ns + QUIET_NS)
		purge.is_on = false;
}

bool control_purge_answer(struct control_purged *purged)
{
	uint64_t now_ns = process_now_ns();
	struct control_ledger ledger;

	if (purge.is_on && now_ns < purge.end_ns)
		return false;
	ledger_read(&ledger);
	*purged = (struct control_purged){
		.released_bytes = released() - purge.before,
		.elapsed_ns = (purge.is_on ? now_ns : purge.moved_ns) - purge.began_ns,
		.left_bytes = ledger.units_free_bytes + ledger.large_free_dirty_bytes,
		.pinned_bytes = ledger.pinned_bytes,
		.pinned_threads = ledger.pinned_threads,
		.is_done = !purge.is_on,
	};
	return true;
}
