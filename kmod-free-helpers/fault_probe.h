/* SPDX-License-Identifier: MIT */
/*
 * Finds out which way of installing pages this process has, and says in words why not a
 * better one. Called once by the helper before it opens its fault_service, and by
 * hakctl's doctor. Leaves nothing behind. One thread; no state.
 */
#ifndef HAKMEM_FAULT_PROBE_H
#define HAKMEM_FAULT_PROBE_H

enum fault_probe_way {
	FAULT_PROBE_MOVE, /* rung A */
	FAULT_PROBE_COPY, /* rung B */
	FAULT_PROBE_NONE, /* rung C: no userfaultfd */
};

struct fault_probe {
	enum fault_probe_way way;
	int error;	  /* -errno of what was refused; 0 with MOVE */
	char reason[160]; /* one line, no newline */
};

void fault_probe_run(struct fault_probe *probe);

#endif
