/* SPDX-License-Identifier: MIT */
/*
 * Asynchronous write-protection of another process's memory (Linux 6.7): its pages are
 * protected, the first write to each clears that by itself, and the page table tells which.
 * It takes a userfaultfd of the process, which the helper has: a copy of that descriptor
 * registers the ranges. While it lasts, a huge page that is written to is mapped by small pages.
 */
#ifndef HAKCTL_VERBS_WRITE_WATCH_H
#define HAKCTL_VERBS_WRITE_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hakctl/output/failure.h"
#include "hakctl/client/process.h"

struct write_range {
	uint64_t start, end;
};

struct write_watch {
	const struct process *process;
	int descriptor; /* -1: closed */
};

/* Finds the userfaultfd; a failure says why there is no way. */
bool write_watch_open(const struct process *process, struct write_watch *watch,
		      struct failure *failure);
void write_watch_close(struct write_watch *watch);

/* Protects what is present in the range. False, and errno. */
bool write_watch_begin(struct write_watch *watch, struct write_range range);
/* Calls visit for each run of pages that was written to since. */
bool write_watch_visit(struct write_watch *watch, struct write_range range,
		       void (*visit)(uint64_t start, uint64_t end, bool huge,
				     void *argument),
		       void *argument);
/* Takes the protection away. */
void write_watch_end(struct write_watch *watch, struct write_range range);

#endif
