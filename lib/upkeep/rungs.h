/* SPDX-License-Identifier: MIT */
/*
 * rungs.h - which of the kernel's facilities this process has, and why not the others: for
 * hakctl doctor.
 *
 * Who may run with whom: each is set by one thread at a time: the helper, whoever starts it or
 * finds that there is none, the one that serves the control socket; anyone reads them.
 */
#ifndef HAKMEM_UPKEEP_RUNGS_H
#define HAKMEM_UPKEEP_RUNGS_H

#include <stdatomic.h>

#include <hakmem/control.h>

#include "support/compiler.h"
#include "support/rung_names.h"

/* A control_rung, which hakctl reads where it is. */
struct rungs_row {
	char name[24];
	_Atomic uint32_t state;	/* release, after the rest; acquire by who reads the rest */
	int32_t error;
	char cause[160];
};

/* error: -errno or 0. cause: copied. */
void rungs_set(enum rung rung, enum control_rung_state state, int error, const char *cause);

/* Registers the process for membarrier(2), and notes what came of it. */
void rungs_begin_barrier(void);

/* What a seccomp filter does not let through, or why nobody knows. NULL: it was asked. */
void rungs_note_filter(const char *why_unknown);

/* All of them, for hak_outline alone: struct control_rung, but that state is atomic. */
extern struct rungs_row rungs_rows[RUNG_COUNT] HIDDEN;

enum control_rung_state rungs_state(enum rung rung);

void rungs_read(enum rung rung, struct control_rung *row);

#endif
