/* SPDX-License-Identifier: MIT */
/*
 * sandbox_calls.h - every call that the helper makes, and those that the program's threads make
 * to start and to end it, with arguments that do nothing but look the same to a filter, which
 * sees numbers and never what a pointer points at. Used by sandbox.c.
 */
#ifndef HAKMEM_SANDBOX_SANDBOX_CALLS_H
#define HAKMEM_SANDBOX_SANDBOX_CALLS_H

#include <stdint.h>

#include "support/compiler.h"

enum { SANDBOX_CALLS_MOST = 160, SANDBOX_ANY = -1 };

struct sandbox_call {
	const char *name;
	uint16_t number;
	/* the argument that makes it another call; SANDBOX_ANY: none does */
	int8_t place;
	long argument[6];
};

/* Those that the rest of the asking needs come first, and what the helper cannot do without. */
enum sandbox_row {
	SANDBOX_KILL,
	SANDBOX_KILL_THREAD,
	SANDBOX_NAP,
	SANDBOX_FUTEX_WAIT,
	SANDBOX_FUTEX_WAKE,
	SANDBOX_WAIT,
	SANDBOX_BLOCK_SIGNALS,
	SANDBOX_PARENT,
	SANDBOX_SLEEP,
	SANDBOX_RING,
	SANDBOX_WIPE,
	SANDBOX_RELEASE,
	SANDBOX_CLOSE_RANGE,
	SANDBOX_UNSHARE,
	SANDBOX_TASK,
	SANDBOX_THREAD,
	SANDBOX_TASK_BY_CLONE3,
	SANDBOX_THREAD_BY_CLONE3,
	SANDBOX_TASK_APART,
};

extern const struct sandbox_call sandbox_calls[] HIDDEN;
extern const unsigned sandbox_calls_count HIDDEN;

#endif
