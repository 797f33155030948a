/* SPDX-License-Identifier: MIT */
/*
 * helper_link.h - what application threads know of the helper: whether it runs, that it is
 * wanted, how to wake it. helper/helper is what it leads to.
 *
 * Who may run with whom: anyone with anyone.
 */
#ifndef HAKMEM_BACK_HELPER_LINK_H
#define HAKMEM_BACK_HELPER_LINK_H

#include <stdatomic.h>
#include <stdbool.h>

#include "support/compiler.h"

struct helper_link {
	_Atomic bool wanted;	/* relaxed: the next refill starts it, or prints what it said */
	_Atomic bool may_start;	/* relaxed: the constructor has run, and options allow one */
	_Atomic bool refused;	/* relaxed: there will be none */
};

extern struct helper_link helper_link HIDDEN;

/*
 * In helper/helper.c and helper_life.c. Linked by their names and not set while the program runs:
 * no pointer to a function that the helper calls lies in memory that can be written to.
 */
void helper_start(void) HIDDEN;
void helper_life_wake(void) HIDDEN;
bool helper_life_is_running(void) HIDDEN;

/* Taken: a process within it starts no helper. */
#define HELPER_LINK_PLAIN_BYTES	(16 * MiB)

/* The heap has outgrown what a small process needs. */
void helper_link_want(void);

/* The same while one may still be there that was sent away: the next refill starts another. */
void helper_link_ask(void);

/* Memory was opened: if the helper sleeps for long it should look at once. */
void helper_link_wake(void);

bool helper_link_is_running(void);

/* One runs, or may start, as far as is known. */
bool helper_link_is_there(void);
void helper_link_refuse(void);

/* Starts the helper if it is wanted. Called where the calling thread holds no lock and no lease. */
static inline void helper_link_start_if_wanted(void)
{
	if (unlikely(atomic_load_explicit(&helper_link.wanted, memory_order_relaxed)) &&
	    atomic_exchange_explicit(&helper_link.wanted, false, memory_order_relaxed))
		helper_start();
}

#endif
