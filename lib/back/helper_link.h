/* SPDX-License-Identifier: MIT */
/*
 * helper_link.h - what application threads know of the helper: whether it runs, that it is
 * wanted, how to wake it. entry/helper sets it; the layers below it use it.
 *
 * Who may run with whom: anyone with anyone.
 */
#ifndef HAKMEM_BACK_HELPER_LINK_H
#define HAKMEM_BACK_HELPER_LINK_H

#include <stdatomic.h>
#include <stdbool.h>

#include "support/compiler.h"

struct helper_link {
	_Atomic bool wanted;		/* relaxed: the next refill starts the helper */
	void (*start)(void);		/* set before wanted can be, never changed */
	void (*wake)(void);
	bool (*is_running)(void);
	_Atomic bool refused;		/* relaxed: there will be none */
};

extern struct helper_link helper_link HIDDEN;

void helper_link_set(void (*start)(void), void (*wake)(void), bool (*is_running)(void));

/* Taken: a process within it starts no thread. */
#define HELPER_LINK_PLAIN_BYTES	(16 * MiB)

/* The heap has outgrown what a small process needs. */
void helper_link_want(void);

/* Memory was opened: if the helper sleeps for long it should look at once. */
void helper_link_wake(void);

bool helper_link_is_running(void);

/* One runs, or may start, as far as is known. */
bool helper_link_is_there(void);
void helper_link_refuse(void);

/*
 * Starts the helper if it is wanted. Starting a thread allocates, so this is called where
 * nothing of the calling thread's cache is in the middle of anything.
 */
static inline void helper_link_start_if_wanted(void)
{
	if (unlikely(atomic_load_explicit(&helper_link.wanted, memory_order_relaxed)) &&
	    atomic_exchange_explicit(&helper_link.wanted, false, memory_order_relaxed))
		helper_link.start();
}

#endif
