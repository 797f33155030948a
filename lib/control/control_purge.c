/* SPDX-License-Identifier: MIT */
/*
 * control_purge.c - see control_purge.h.
 */
#include <config.h>

#include "control/control_purge.h"

#include <stdatomic.h>

#include "back/helper_link.h"
#include "back/release.h"
#include "control/ledger.h"
#include "upkeep/populate_ahead.h"
#include "upkeep/reclaim.h"
#include "os/process.h"

#define NS_PER_MS	1000000ull
#define TIMEOUT_MOST_MS	60000
#define LOOK_NS		5000000ull
#define LOOK_EMPTY_NS	1000000ull
#define LOOKS_EMPTY	3	/* turns of the helper, in which nothing went */
#define QUIET_NS	100000000ull	/* nothing more went for so long: it is done */
#define EMPTY_NS	2000000ull	/* the same, where nothing is left that could */

#define ASKED		(1u << 31)	/* beside the flags of the request */

static struct {
	_Atomic uint32_t asked;		/* release by the control thread; acquire by the helper */
	_Atomic bool is_on;
	_Atomic uint64_t moved_ns;	/* when something last went */
	uint64_t seen;			/* bytes released; the helper's */
	unsigned quiet_looks;		/* in a row; the helper's */
	uint64_t began_ns, end_ns, before;	/* the control thread's */
} purge;

static uint64_t released(void)
{
	struct populate_ahead_counts ahead;
	struct release_counts counts;

	populate_ahead_read(&ahead);
	release_read(&counts);
	return counts.ring + counts.vector + counts.plain + ahead.dropped;
}

/* Never false between a request and its end: the helper sets is_on before it clears asked. */
bool control_purge_is_on(void)
{
	return atomic_load_explicit(&purge.asked, memory_order_acquire) ||
	       atomic_load_explicit(&purge.is_on, memory_order_acquire);
}

uint16_t control_purge_begin(const struct control_purge *request, const char **cause)
{
	uint64_t now_ns = process_now_ns();
	uint64_t timeout_ms = request->timeout_ms;

	if (request->flags & ~(CONTROL_PURGE_WAIT | CONTROL_PURGE_CACHES)) {
		*cause = "a purge of an unknown kind";
		return CONTROL_BAD_REQUEST;
	}
	if (!helper_link_is_there()) {
		*cause = "the helper would do it, and could not be had: hakctl doctor says why";
		return CONTROL_NOT_SUPPORTED;
	}
	if (timeout_ms > TIMEOUT_MOST_MS)
		timeout_ms = TIMEOUT_MOST_MS;
	if (!(request->flags & CONTROL_PURGE_WAIT))
		timeout_ms = 0;
	/* A second one only waits longer. */
	if (!control_purge_is_on())
		purge.before = released(), purge.began_ns = now_ns;
	purge.end_ns = now_ns + timeout_ms * NS_PER_MS;
	atomic_fetch_or_explicit(&purge.asked, ASKED | request->flags, memory_order_release);
	helper_link_wake();
	return 0;
}

static void empty_caches(void)
{
	struct reclaim_purge caches = { .by_helper = true };

	reclaim_all(&caches);
	reclaim_arrived(&caches);
}

static void begin(void)
{
	atomic_store_explicit(&purge.is_on, true, memory_order_release);
	if (atomic_exchange_explicit(&purge.asked, 0, memory_order_acq_rel) & CONTROL_PURGE_CACHES)
		empty_caches();
	populate_ahead_give_back();
	purge.seen = released();
	purge.quiet_looks = 0;
	atomic_store_explicit(&purge.moved_ns, process_now_ns(), memory_order_relaxed);
}

/*
 * How long nothing must have gone. What is not wholly free goes by combing, right at the beginning.
 */
static uint64_t patience_ns(void)
{
	struct control_ledger ledger;

	ledger_read(&ledger);
	return ledger.releasing_bytes || ledger.queued_bytes || ledger.units_free_bytes ||
			       ledger.large_free_dirty_bytes ?
		       QUIET_NS :
		       EMPTY_NS;
}

/* Goes on after its answer, until nothing moves any more. */
uint64_t control_purge_tick(void)
{
	uint64_t now_ns, now, quiet_ns;

	if (atomic_load_explicit(&purge.asked, memory_order_acquire))
		begin();
	if (!atomic_load_explicit(&purge.is_on, memory_order_relaxed))
		return UINT64_MAX;
	now_ns = process_now_ns();
	now = released();
	purge.quiet_looks++;
	if (now != purge.seen) {
		atomic_store_explicit(&purge.moved_ns, now_ns, memory_order_relaxed);
		purge.quiet_looks = 0;
	}
	purge.seen = now;
	quiet_ns = patience_ns();
	if (purge.quiet_looks >= LOOKS_EMPTY &&
	    now_ns > atomic_load_explicit(&purge.moved_ns, memory_order_relaxed) + quiet_ns)
		atomic_store_explicit(&purge.is_on, false, memory_order_release);
	return quiet_ns == EMPTY_NS ? LOOK_EMPTY_NS : LOOK_NS;
}

bool control_purge_answer(struct control_purged *purged)
{
	uint64_t now_ns = process_now_ns();
	bool is_on = control_purge_is_on();
	struct control_ledger ledger;

	if (is_on && now_ns < purge.end_ns)
		return false;
	ledger_read(&ledger);
	*purged = (struct control_purged){
		.released_bytes = released() - purge.before,
		.elapsed_ns = (is_on ? now_ns : purge.moved_ns) - purge.began_ns,
		.left_bytes = ledger.units_free_bytes + ledger.large_free_dirty_bytes,
		.pinned_bytes = ledger.pinned_bytes,
		.pinned_threads = ledger.pinned_threads,
		.is_done = !is_on,
	};
	return true;
}

void control_purge_forget(void)
{
	atomic_store_explicit(&purge.asked, 0, memory_order_relaxed);
	atomic_store_explicit(&purge.is_on, false, memory_order_relaxed);
}
