/* SPDX-License-Identifier: MIT */
/*
 * canary.h - the last word of a block under hardened:true. It says whether the block is live
 * or freed, in a way that nobody can guess and that differs from block to block, so one
 * exchange tells a double free from a first one and both from an overflow.
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

#define CANARY_BYTES	sizeof(uint64_t)

struct canary_keys {
	uint64_t live, freed;
};

extern struct canary_keys canary_keys HIDDEN;

/* Once, before the first canary. Returns a number to begin random sequences with. */
uint64_t canary_init(void);

/* An invertible mix: splitmix64's (Steele, Lea, Flood, OOPSLA 2014). */
static inline uint64_t canary_mix(uint64_t value)
{
	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
	value = (value ^ value >> 27) * 0x94d049bb133111ebu;
	return value ^ value >> 31;
}

static inline uint64_t canary_live(const void *block)
{
	return canary_mix((uintptr_t)block ^ canary_keys.live);
}

static inline uint64_t canary_freed(const void *block)
{
	return canary_mix((uintptr_t)block ^ canary_keys.freed);
}

static inline _Atomic uint64_t *canary_of(void *block, size_t bytes)
{
	return (_Atomic uint64_t *)((char *)block + bytes - CANARY_BYTES);
}

#endif
