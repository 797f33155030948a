/* SPDX-License-Identifier: MIT */
/*
 * rungs.h - which of the kernel's facilities this process has, and why not the others: for
 * hakctl doctor. Set by the helper, read by the one that serves the control socket.
 */
#ifndef HAKMEM_ENTRY_RUNGS_H
#define HAKMEM_ENTRY_RUNGS_H

#include <hakmem/control.h>

enum rung { RUNG_HELPER, RUNG_USERFAULTFD, RUNG_MOVE, RUNG_RING, RUNG_HUGE_PAGES, RUNG_PAGE_SCAN,
	    RUNG_COUNT };

/* error: -errno or 0. cause: copied. */
void rungs_set(enum rung rung, enum control_rung_state state, int error, const char *cause);

enum control_rung_state rungs_state(enum rung rung);

void rungs_read(enum rung rung, struct control_rung *row);

#endif
