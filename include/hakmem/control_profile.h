/* SPDX-License-Identifier: MIT */
/*
 * control_profile.h - the part of <hakmem/control.h> that is about the heap profile.
 */
#ifndef HAKMEM_CONTROL_PROFILE_H
#define HAKMEM_CONTROL_PROFILE_H

#include <stdint.h>

enum control_profile_action { CONTROL_PROFILE_ASK, CONTROL_PROFILE_START, CONTROL_PROFILE_STOP };

struct control_profile {
	uint32_t action;		/* of a request: enum control_profile_action */
	uint32_t reserved;
	uint64_t interval_bytes;	/* of a request: 0: the default; of a reply: 0: off */
	uint64_t begun_ns;		/* CLOCK_MONOTONIC; 0: never, as these */
	uint64_t ended_ns;
	uint64_t now_ns;
	uint64_t samples;		/* that live */
	uint64_t stacks;		/* different ones, stack 0 among them */
	uint64_t dropped_stacks;	/* samples whose stack found no room: they are stack 0's */
	uint64_t dropped_samples;	/* allocations that were not sampled for want of room */
};

#define CONTROL_STACK_FRAMES	128

/* Objects are estimates in 256ths of one, bytes too: what samples stand for. */
struct control_stack {
	uint32_t number;		/* 0: all that found no room, or had no frames */
	uint32_t depth;
	uint64_t objects;		/* allocated since the profile began */
	uint64_t bytes;			/* as asked for */
	uint64_t samples;
	uint64_t frames[CONTROL_STACK_FRAMES];	/* return addresses, innermost first */
};

/* One that lives. */
struct control_sample {
	uint64_t block;			/* 0: none (any more) */
	uint64_t asked_bytes;
	uint64_t held_bytes;		/* of the block */
	uint64_t pinned_bytes;		/* its share of the pages that it lies on */
	uint64_t objects;		/* that it stands for, in 256ths */
	uint64_t born_ns;		/* CLOCK_MONOTONIC */
	uint32_t stack;
	uint32_t reserved;
};

#if defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
_Static_assert(sizeof(struct control_profile) == 72, "no padding");
_Static_assert(sizeof(struct control_stack) == 1056, "no padding");
_Static_assert(sizeof(struct control_sample) == 56, "no padding");
#endif

#endif
