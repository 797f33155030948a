/* SPDX-License-Identifier: MIT */
/*
 * limit.h - the memory that the heap holds, against limit_hard and limit_soft: slabs that
 * were taken, free memory with pages, the stock, staging, large blocks, metadata.
 *
 * Who may run with whom: anyone with anyone; the numbers are those of a moment.
 */
#ifndef HAKMEM_BACK_LIMIT_H
#define HAKMEM_BACK_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "support/options.h"

/* What happens to a thread that asks for more than limit_hard has left. */
enum limit_action {
	LIMIT_NULL,		/* it gets none */
	/* it waits a second, in which memory may come free, and then gets none */
	LIMIT_THROTTLE,
	LIMIT_ABORT,		/* the process ends */
};

void limit_set_action(enum limit_action action);
enum limit_action limit_get_action(void);

/*
 * After so many bytes were refused, with nothing held: true if it is worth another try, perhaps
 * after a while. *tries: 0 before the first. Never where something else than the limit refused
 * them.
 */
bool limit_try_again(size_t bytes, unsigned *tries);

size_t limit_held_bytes(void);

/* True: above limit_soft, what is idle should go at once. */
bool limit_wants_room(void);

/* See limit_holds. */
bool limit_make_room(void);

/*
 * After memory was taken and before it is used: true if the heap is within limit_hard. Where
 * it is not, the calling thread gives back what is idle first: the only release in a thread of
 * the program that the program did not ask for, instead of no memory at all.
 */
static inline bool limit_holds(void)
{
	return options.limit_hard_bytes == SIZE_MAX || limit_make_room();
}

#endif
