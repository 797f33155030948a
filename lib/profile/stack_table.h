/* SPDX-License-Identifier: MIT */
/*
 * stack_table.h - the different call stacks that samples had, and how much was allocated with each
 * since the profile began. Its memory is bounded: what finds no room is counted for stack 0, and
 * counted as dropped.
 *
 * Who may run with whom: anyone with anyone, without a lock. stack_table_begin: see profile.h; a
 * sample that is taken at that moment may be counted for the new profile, or not.
 */
#ifndef HAKMEM_PROFILE_STACK_TABLE_H
#define HAKMEM_PROFILE_STACK_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define STACK_TABLE_STACKS	16384u
#define STACK_TABLE_FRAMES	262144u		/* of all stacks together */
#define STACK_DEPTH_MOST	128u		/* frames, the innermost ones */

struct call_stack_record {
	/* allocated, in SAMPLING_UNITths; relaxed: a count, as these */
	_Atomic uint64_t objects;
	_Atomic uint64_t bytes;
	_Atomic uint64_t samples;
	uint64_t hash;			/* these: before it is known */
	uint32_t first_frame;
	uint32_t depth;
};

/* Maps it, or sets all counts to zero; stacks stay. False: no memory. */
bool stack_table_begin(void);

/* The number of a stack of so many return addresses, innermost first. */
uint32_t stack_table_find(const uint64_t *frames, unsigned depth);

void stack_table_count(uint32_t stack, uint64_t objects, uint64_t bytes);

/* Stacks that are known, 0 among them. */
uint32_t stack_table_stacks(void);
/* Samples whose stack found no room, since the profile began. */
uint64_t stack_table_dropped(void);
/* NULL: there is no such stack (yet). *frames: its addresses. */
const struct call_stack_record *stack_table_read(uint32_t stack, const uint64_t **frames);

#endif
