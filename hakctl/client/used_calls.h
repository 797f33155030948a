/* SPDX-License-Identifier: MIT */
/*
 * What hakmem calls that sandboxes refuse: in groups, each with what it is for and what allowing it
 * loosens. hakmem(7) lists all calls; a test compares. For the profiles that doctor prints.
 */
#ifndef HAKCTL_CLIENT_USED_CALLS_H
#define HAKCTL_CLIENT_USED_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct used_calls {
	const char *names;    /* separated by spaces */
	const char *purpose;
	const char *loosens;  /* NULL: nothing that a sandbox is for */
	bool is_judged;	      /* by an argument, where a profile can: (index & mask) == value */
	unsigned index;
	uint64_t mask, value;
};

extern const struct used_calls used_calls_groups[];
extern const size_t used_calls_count;

/* Calls without which there is no helper at all: no profile here adds them. */
extern const char used_calls_needed[];

/* Copies the next name of a list, and steps behind it; false: there is none. */
bool used_calls_next(const char **names, char name[64]);
/* Is the name in the list? */
bool used_calls_has(const char *names, const char *name);

#endif
