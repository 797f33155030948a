/* SPDX-License-Identifier: MIT */
/*
 * quarantine.h - under hardened:true a freed block is not used again for a while: it lies,
 * zeroed, in its thread's quarantine, and leaves it in an order that nobody can foresee. If it
 * is not zero then, or when it is handed out again, somebody wrote to it: a message, then abort.
 *
 * Who may run with whom: only the thread itself.
 */
#ifndef HAKMEM_FRONT_QUARANTINE_H
#define HAKMEM_FRONT_QUARANTINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/compiler.h"

#define QUARANTINE_BLOCKS	256
#define QUARANTINE_BYTES	(2 * MiB)

/* count blocks from oldest on, around the end; bytes in all of them. */
struct quarantine {
	void *blocks[QUARANTINE_BLOCKS];
	uint32_t sizes[QUARANTINE_BLOCKS];
	uint64_t canaries[QUARANTINE_BLOCKS];	/* what each must end in */
	uint32_t oldest, count;
	size_t bytes;
	uint64_t drawn;		/* hashes so far, in a range of its own */
	uint64_t random;	/* the last of them; its upper half is 0 when both have served */
};

/* number: one that no other quarantine has. */
void quarantine_begin(struct quarantine *quarantine, uint64_t number);

/* A random number, never 0, that nobody can foretell from others. */
uint32_t quarantine_random(struct quarantine *quarantine);

/* There must be room: see quarantine_pop_excess. */
void quarantine_push(struct quarantine *quarantine, void *block, uint32_t bytes, uint64_t canary);

/* One that has to leave, so that another has room; NULL: none has to. */
void *quarantine_pop_excess(struct quarantine *quarantine);

/* Any; NULL: it is empty. */
void *quarantine_pop(struct quarantine *quarantine);

/*
 * A block that is handed out again, or may never have been: it must be zero still, and end in
 * the canary, or in nothing where its pages went back meanwhile.
 */
void quarantine_check_again(void *block, uint32_t bytes, uint64_t canary);

#endif
