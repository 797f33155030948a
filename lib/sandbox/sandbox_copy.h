/* SPDX-License-Identifier: MIT */
/*
 * sandbox_copy.h - the tasks of sandbox.c: on stacks of their own, with signals blocked or without
 * the program's handlers, seen by no wait() and no SIGCHLD.
 *
 * Who may run with whom: who asks waits for the keeper, which starts one trier at a time.
 */
#ifndef HAKMEM_SANDBOX_SANDBOX_COPY_H
#define HAKMEM_SANDBOX_SANDBOX_COPY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "os/task.h"
#include "support/compiler.h"

enum { SANDBOX_COPY_STACK = 32 << 10, SANDBOX_COPY_ROOM = 64 << 10 };

/* Shared, also with a copy of the memory. */
struct sandbox_places {
	char keeper[SANDBOX_COPY_STACK] CACHE_ALIGNED;
	char trier[2][SANDBOX_COPY_STACK] CACHE_ALIGNED;
	char room[SANDBOX_COPY_ROOM] CACHE_ALIGNED;
	/* the next are made by clone(2); by who asks, then the keeper */
	bool is_unlike_clone3;
	bool is_apart;			/* they have a copy of the memory */
	_Atomic uint32_t alive[2];	/* triers, unless apart: 0 once it has ended */
};

/*
 * Runs body(argument), in the program's memory or, where that is not safe, in a copy of it. Returns
 * its id or -errno. For the keeper the calling task waits until its end; of triers two may be
 * there.
 */
long sandbox_copy_start_keeper(struct sandbox_places *places, void (*body)(void *argument),
			       void *argument);
long sandbox_copy_start_trier(struct sandbox_places *places, unsigned which,
			      void (*body)(void *argument), void *argument);

/* The same, and the calling task waits until its end. */
long sandbox_copy_run_trier(struct sandbox_places *places, void (*body)(void *argument),
			    void *argument);

/* The calling task is killed in a second. False: it is not. */
bool sandbox_copy_bound_time(void);

/* The trier has; false also where that cannot be seen without a call. */
bool sandbox_copy_has_ended(const struct sandbox_places *places, unsigned which);

/* No dump of core is made when the calling task is killed. */
void sandbox_copy_leave_no_core(void);

/* For a task as the helper's, and a thread. */
struct task_room sandbox_copy_room(struct sandbox_places *places);

#endif
