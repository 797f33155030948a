/* SPDX-License-Identifier: MIT */
/*
 * helper_mode.c - see helper_mode.h.
 */
#include <config.h>

#include "upkeep/helper_mode.h"

#include <stdatomic.h>

#include "back/helper_link.h"
#include "upkeep/populate_ahead.h"
#include "upkeep/rungs.h"
#include "support/log.h"
#include "support/options.h"

static _Atomic size_t wakeups;			/* relaxed: a count */
static _Atomic(const char *) refusal;		/* why there is no helper; relaxed: for reports */

void helper_mode_say_why_none(const char *why, int error)
{
	atomic_store_explicit(&refusal, why, memory_order_relaxed);
	rungs_set(RUNG_HELPER, CONTROL_RUNG_OFF, error, why);
}

void helper_mode_refuse(const char *why, int error)
{
	helper_mode_say_why_none(why, error);
	helper_link_refuse();
}

void helper_mode_note_work(void)
{
	atomic_store_explicit(&refusal, NULL, memory_order_relaxed);
}

void helper_mode_note_wakeup(void)
{
	atomic_fetch_add_explicit(&wakeups, 1, memory_order_relaxed);
}

size_t helper_mode_wakeups(void)
{
	return atomic_load_explicit(&wakeups, memory_order_relaxed);
}

static const char *way_name(const struct fault_probe *probe)
{
	if (!populate_ahead_has_room())
		return "release only";
	return probe->way == FAULT_PROBE_COPY ? "uffd+copy" : "touch";
}

void helper_mode_describe(char *text, size_t bytes)
{
	const char *why = atomic_load_explicit(&refusal, memory_order_relaxed);
	const struct fault_probe *probe = populate_ahead_probe();

	if (options.helpers == HELPERS_NEVER)
		log_format_text(text, bytes, "no helper: helpers:never");
	else if (why)
		log_format_text(text, bytes, "no helper: %s", why);
	else if (!helper_link_is_running())
		log_format_text(text, bytes, "no helper yet: the heap is small");
	else if (probe->way == FAULT_PROBE_MOVE)
		log_format_text(text, bytes, "uffd+move");
	else
		log_format_text(text, bytes, "%s: %s", way_name(probe), probe->reason);
}
