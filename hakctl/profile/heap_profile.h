/* SPDX-License-Identifier: MIT */
/*
 * A heap profile as hakctl has it: call stacks by their frames, with what was allocated by each and
 * what lives of it. It comes from a process (heap_profile_fetch) or from a file (pprof_read).
 */
#ifndef HAKCTL_HEAP_PROFILE_H
#define HAKCTL_HEAP_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hakmem/control.h>
#include <hakmem/control_profile.h>

#include "hakctl/client/target.h"

enum profile_value {
	PROFILE_ALLOCATED_OBJECTS,
	PROFILE_ALLOCATED_BYTES,
	PROFILE_LIVE_OBJECTS,
	PROFILE_LIVE_BYTES,
	PROFILE_VALUES
};

/* A place in the program; the texts are the profile's, "" where they are not known. */
struct profile_frame {
	uint64_t address;  /* of the call, inside the instruction */
	size_t mapping;	   /* number + 1; 0: none */
	const char *place; /* "libfoo.so+0x1234", where the file has no name for it */
	const char *function;
	const char *mangled; /* as the symbol table has it */
	const char *file;
	unsigned line;
};

struct profile_mapping {
	uint64_t start, end, offset;
	const char *path, *build_id;
};

struct profile_stack {
	unsigned depth;
	size_t *frames; /* numbers, innermost first */
	double values[PROFILE_VALUES];
	double pinned_bytes; /* these: of what lives, not in files */
	double old_bytes;    /* born before heap_profile.old_ns */
	double held_bytes;   /* for who subtracts: what lived before that */
	uint64_t samples, oldest_ns;
};

struct heap_profile {
	struct profile_frame *frames;
	size_t frame_count, frame_room;
	struct profile_mapping *mappings;
	size_t mapping_count;
	struct profile_stack *stacks;
	size_t stack_count;
	struct control_profile state;
	uint64_t date_ns; /* CLOCK_REALTIME */
	uint64_t old_ns;  /* CLOCK_MONOTONIC */
	void *texts;	  /* tsearch(3)'s tree */
};

/* Turns it on or off, or asks. */
bool heap_profile_control(const struct target *target, enum control_profile_action action,
			  uint64_t interval_bytes, struct control_profile *state,
			  struct failure *failure);

/* What it has seen, with names. old_ns: see above. */
bool heap_profile_fetch(const struct target *target, uint64_t old_ns, struct heap_profile *profile,
			struct failure *failure);

/* less's values are taken from those of the same stacks; what has none left goes. */
void heap_profile_subtract(struct heap_profile *profile, const struct heap_profile *less);

/* The number of a frame, which is added. */
size_t heap_profile_add_frame(struct heap_profile *profile, const struct profile_frame *frame);
/* A copy that lives as long as the profile. */
const char *heap_profile_text(struct heap_profile *profile, const char *text);
/* Its function, its place in its file, or its address. Overwritten by the next call. */
const char *heap_profile_name(const struct profile_frame *frame);

#endif
