/* SPDX-License-Identifier: MIT */
/*
 * frontier.h - whose to open which units of the reservation are. Called by reservation.c, by
 * metadata.c for its lock, and by lifecycle.c at a fork.
 *
 *     opened │ being opened │ opened │ hole │ opened │ never claimed
 *                                             frontier_unit()
 *
 * Who may run with whom: anyone with anyone. Nobody calls the kernel with the lock, but to wait.
 */
#ifndef HAKMEM_BACK_FRONTIER_H
#define HAKMEM_BACK_FRONTIER_H

#include <stdbool.h>
#include <stdint.h>

#include "os/lock.h"
#include "support/size_class.h"

#define FRONTIER_FIRST_BYTES	(8 * MiB)	/* of small pages: all that a small process opens */
#define FRONTIER_BIN_BYTES	sizeof(void *)	/* of an open unit: its page was written */

enum chunk_kind { CHUNK_SLABS, CHUNK_LARGE };

struct chunk {
	uint32_t first_unit;
	uint32_t units;
	unsigned home;		/* where its pages come from: see os/node.h */
};

/* So many units there are. Before all others. */
void frontier_begin(uint32_t units);

struct lock *frontier_fork_lock(void);
void frontier_lock(void);
void frontier_unlock(void);

/* First unit that was never claimed. Takes no lock. */
uint32_t frontier_unit(void);

/*
 * Threads that run out at the same moment would each grow the heap. Those who come second
 * wait for the first to return from the kernel, but not for ever: it may be off the CPU. True:
 * another has just opened what would do.
 */
bool frontier_wait_for_another(uint32_t units, enum chunk_kind kind, unsigned home);

/*
 * Units that the caller, and nobody else, opens now: more than asked for as the heap is larger,
 * unless exact, or another is opening such. 0 in chunk->units: there is no address space, or
 * limit_hard is in the way. The inverse, with the lock: it was opened, or not.
 */
void frontier_claim(uint32_t units, enum chunk_kind kind, unsigned home, bool exact,
		    struct chunk *chunk);
void frontier_settle(const struct chunk *chunk, bool opened);

/*
 * In a fork's child, with the lock: what others were opening nobody would ever finish. close: what
 * of it was mapped already is no more.
 */
void frontier_after_fork_in_child(void (*close)(const struct chunk *chunk));

#endif
