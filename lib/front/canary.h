/* SPDX-License-Identifier: MIT */
/*
 * canary.h - the last word of a block under hardened:true. It says whether the block is live
 * or freed, in a way that nobody can guess and that differs from block to block, so one
 * exchange tells a double free from a first one and both from an overflow. Who has read one knows
 * nothing of others. Its first byte is 0: a string's end neither runs over it nor reads it.
 *
 *   ┌ what the program may use ──────────────┬ canary ┐
 *   0                                 size - 8      size
 *
 * Who may run with whom: anyone with anyone.
 */
#ifndef HAKMEM_FRONT_CANARY_H
#define HAKMEM_FRONT_CANARY_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "support/compiler.h"
#include "support/keyed_hash.h"

#define CANARY_BYTES	sizeof(uint64_t)

/* One for canaries, one for the places of blocks. */
struct canary_keys {
	struct keyed_hash_key block, place;
};

extern struct canary_keys canary_keys HIDDEN;

/* Once, before the first canary. */
void canary_init(void);

/* Its lowest byte is the first in memory. */
static inline uint64_t canary_live(const void *block)
{
	return keyed_hash(&canary_keys.block, (uintptr_t)block) & ~(uint64_t)0xff;
}

/* The same with its bits turned: one hash serves both. */
static inline uint64_t canary_freed_of(uint64_t live)
{
	return ~live & ~(uint64_t)0xff;
}

static inline uint64_t canary_freed(const void *block)
{
	return canary_freed_of(canary_live(block));
}

static inline _Atomic uint64_t *canary_of(void *block, size_t bytes)
{
	return (_Atomic uint64_t *)((char *)block + bytes - CANARY_BYTES);
}

#endif
