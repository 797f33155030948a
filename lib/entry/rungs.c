/* SPDX-License-Identifier: MIT */
/*
 * rungs.c - see rungs.h.
 */
#include <config.h>

#include "entry/rungs.h"

#include <stdatomic.h>
#include <stdbool.h>

#include "os/barrier.h"
#include "support/log.h"

static const char *const names[RUNG_COUNT] = {
	[RUNG_HELPER] = "helper",
	[RUNG_USERFAULTFD] = "userfaultfd",
	[RUNG_MOVE] = "move",
	[RUNG_RING] = "io_uring",
	[RUNG_HUGE_PAGES] = "huge_pages",
	[RUNG_BARRIER] = "membarrier",
	[RUNG_PAGE_SCAN] = "pagemap_scan",
};

static struct {
	_Atomic int state;	/* release, after the rest; acquire by who reads the rest */
	int error;
	char cause[sizeof(((struct control_rung *)0)->cause)];
} rungs[RUNG_COUNT] = {
	[0 ... RUNG_COUNT - 1] = { .state = CONTROL_RUNG_UNKNOWN },
};

void rungs_set(enum rung rung, enum control_rung_state state, int error, const char *cause)
{
	rungs[rung].error = error < 0 ? -error : error;
	log_format_text(rungs[rung].cause, sizeof(rungs[rung].cause), "%s", cause);
	atomic_store_explicit(&rungs[rung].state, (int)state, memory_order_release);
}

void rungs_begin_barrier(void)
{
	/* relaxed: helper and control thread may both come here, and are told the same */
	static _Atomic bool is_noted;
	int error = barrier_init();

	if (atomic_exchange_explicit(&is_noted, true, memory_order_relaxed))
		return;
	if (error)
		rungs_set(RUNG_BARRIER, CONTROL_RUNG_PARTLY, error,
			  "caches of sleeping threads stay");
	else
		rungs_set(RUNG_BARRIER, CONTROL_RUNG_ON, 0, "");
}

enum control_rung_state rungs_state(enum rung rung)
{
	return (enum control_rung_state)atomic_load_explicit(&rungs[rung].state,
							     memory_order_relaxed);
}

void rungs_read(enum rung rung, struct control_rung *row)
{
	int state = atomic_load_explicit(&rungs[rung].state, memory_order_acquire);

	*row = (struct control_rung){ .state = (uint32_t)state };
	log_format_text(row->name, sizeof(row->name), "%s", names[rung]);
	if (state == CONTROL_RUNG_UNKNOWN)
		return;
	row->error = rungs[rung].error;
	log_format_text(row->cause, sizeof(row->cause), "%s", rungs[rung].cause);
}
