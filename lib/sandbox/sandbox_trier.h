/* SPDX-License-Identifier: MIT */
/*
 * sandbox_trier.h - the task of sandbox.c that makes call after call, and may be lost at any.
 *
 * Who may run with whom: one at a time; the keeper watches it.
 */
#ifndef HAKMEM_SANDBOX_SANDBOX_TRIER_H
#define HAKMEM_SANDBOX_SANDBOX_TRIER_H

struct sandbox_findings;

/* Goes on at the row where the findings are, to the last. Does not return. */
void sandbox_trier_run(void *findings);

/*
 * The same within a second, while nothing is known by which to wait for it: nothing, where that
 * cannot be bounded. Does not return.
 */
void sandbox_trier_run_first(void *argument);

/* What is not known to be harmless, of the rows before this one, is not called from now on. */
void sandbox_trier_withhold(const struct sandbox_findings *findings, unsigned before);

#endif
