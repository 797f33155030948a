/* SPDX-License-Identifier: MIT */
/*
 * sampling.h - which allocations are sampled: each of s bytes with the chance s / interval,
 * whatever came before, as if a point were thrown at every byte. One that is drawn stands for
 * interval / s, so that sums of what samples stand for are unbiased, of any part of them.
 *
 * Who may run with whom: each with a struct of its own, whoever works in the thread cache that
 * it is part of.
 */
#ifndef HAKMEM_PROFILE_SAMPLING_H
#define HAKMEM_PROFILE_SAMPLING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/size_class.h"

#define SAMPLING_UNIT	256	/* a sample stands for a multiple of an object's 256th */

/* Zero to start with. */
struct sampling {
	uint64_t random;
	uint64_t ended_ns;		/* when the last sample was done … */
	uint32_t cost_ns;		/* … and how long one takes */
	uint32_t generation;		/* of the profile that these were drawn for */
	uint8_t shift;			/* the thread's interval is so many times doubled */
	uint8_t drawn_shift[CLASS_COUNT];	/* and was when the next one was drawn */
	/* allocations before the one that is sampled; SAMPLING_NEVER: not asked for */
	uint32_t left[CLASS_COUNT];
};

#define SAMPLING_NEVER	UINT32_MAX

/* Another profile has begun: everything is drawn anew. */
void sampling_begin(struct sampling *sampling, uint32_t generation);

/* Classes of which none was to be sampled take the slow path once more, where that is asked. */
void sampling_ask_again(struct sampling *sampling);

/* What one of the class stands for, just sampled, of which then the next is drawn. */
uint64_t sampling_next(struct sampling *sampling, unsigned class);

/* What one of so many bytes stands for; 0: it is not sampled. */
uint64_t sampling_judge(struct sampling *sampling, size_t bytes);

/* A sample took from begun_ns to ended_ns. */
void sampling_note_cost(struct sampling *sampling, uint64_t begun_ns, uint64_t ended_ns);

#endif
