/* SPDX-License-Identifier: MIT */
/*
 * rungs.c - see rungs.h.
 */
#include <config.h>

#include "upkeep/rungs.h"

#include <stdatomic.h>
#include <stdbool.h>

#include "os/barrier.h"
#include "sandbox/sandbox.h"
#include "support/log.h"

_Static_assert(sizeof(struct rungs_row) == sizeof(struct control_rung) &&
		       offsetof(struct rungs_row, state) == offsetof(struct control_rung, state) &&
		       offsetof(struct rungs_row, error) == offsetof(struct control_rung, error) &&
		       offsetof(struct rungs_row, cause) == offsetof(struct control_rung, cause),
	       "one shape");

#define ROW_OF(rung, name) [rung] = { name, CONTROL_RUNG_UNKNOWN, 0, "" },
struct rungs_row rungs_rows[RUNG_COUNT] = { RUNG_NAMES_OF_PROCESS(ROW_OF) };

void rungs_set(enum rung rung, enum control_rung_state state, int error, const char *cause)
{
	struct rungs_row *row = &rungs_rows[rung];

	row->error = error < 0 ? -error : error;
	log_format_text(row->cause, sizeof(row->cause), "%s", cause);
	atomic_store_explicit(&row->state, (uint32_t)state, memory_order_release);
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

void rungs_note_filter(const char *why_unknown)
{
	char missing[sizeof(((struct control_rung *)0)->cause)];

	if (why_unknown) {
		rungs_set(RUNG_FILTER, CONTROL_RUNG_OFF, 0, why_unknown);
		return;
	}
	sandbox_describe(missing, sizeof(missing));
	rungs_set(RUNG_FILTER, *missing ? CONTROL_RUNG_PARTLY : CONTROL_RUNG_ON, 0, missing);
}

enum control_rung_state rungs_state(enum rung rung)
{
	return (enum control_rung_state)atomic_load_explicit(&rungs_rows[rung].state,
							     memory_order_relaxed);
}

void rungs_read(enum rung rung, struct control_rung *row)
{
	const struct rungs_row *of = &rungs_rows[rung];
	uint32_t state = atomic_load_explicit(&of->state, memory_order_acquire);

	*row = (struct control_rung){ .state = state };
	log_format_text(row->name, sizeof(row->name), "%s", of->name);
	if (state == CONTROL_RUNG_UNKNOWN)
		return;
	row->error = of->error;
	log_format_text(row->cause, sizeof(row->cause), "%s", of->cause);
}
