/* SPDX-License-Identifier: MIT */
/*
 * sandbox_findings.h - what is known of each call, while it is being asked: shared by who asks, the
 * keeper and the triers of sandbox.c.
 *
 * Who may run with whom: who asks waits for the keeper; a trier and the keeper may both give a row
 * its result, and the one that goes on behind it has.
 */
#ifndef HAKMEM_SANDBOX_SANDBOX_FINDINGS_H
#define HAKMEM_SANDBOX_SANDBOX_FINDINGS_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sandbox/sandbox_calls.h"
#include "sandbox/sandbox_copy.h"

/* What came of a call: one of these, or SANDBOX_NO_ERROR + the error. */
enum { SANDBOX_NOT_TRIED, SANDBOX_KILLED, SANDBOX_SILENT, SANDBOX_NO_ERROR };

struct sandbox_findings {
	struct sandbox_places places;
	/* the row that is being tried; release: what came before is there */
	_Atomic uint32_t at;
	/* The keeper's: the trier, which of the two, and another that could not be ended yet. */
	pid_t trier, left_over;
	unsigned which;
	_Atomic bool is_complete, is_bounded;
	_Atomic pid_t asker;
	_Atomic uint16_t of_row[SANDBOX_CALLS_MOST];
};

static inline unsigned sandbox_findings_of(const struct sandbox_findings *findings, unsigned row)
{
	return atomic_load_explicit(&findings->of_row[row], memory_order_relaxed);
}

static inline void sandbox_findings_note(struct sandbox_findings *findings, unsigned row,
					 unsigned what)
{
	atomic_store_explicit(&findings->of_row[row], (uint16_t)what, memory_order_relaxed);
}

/* It may be called, and is not refused by its number. */
static inline bool sandbox_findings_is_let(unsigned what)
{
	return what >= SANDBOX_NO_ERROR && what != SANDBOX_NO_ERROR + EPERM &&
	       what != SANDBOX_NO_ERROR + ENOSYS && what != SANDBOX_NO_ERROR + EACCES;
}

static inline bool sandbox_findings_works(const struct sandbox_findings *findings, unsigned row)
{
	return sandbox_findings_is_let(sandbox_findings_of(findings, row));
}

/* False: another has, and goes on. */
static inline bool sandbox_findings_go_on(struct sandbox_findings *findings, uint32_t row)
{
	/* release: what came of it is there */
	return atomic_compare_exchange_strong_explicit(&findings->at, &row, row + 1,
						       memory_order_release, memory_order_relaxed);
}

#endif
