/* SPDX-License-Identifier: MIT */
/*
 * The ledger, classes and rungs of a process whose library nobody can ask, for it has no helper, or
 * is stopped: added up here from what its library counts, which hak_outline tells where to find. It
 * costs the process nothing.
 */
#ifndef HAKCTL_CLIENT_OUTSIDE_H
#define HAKCTL_CLIENT_OUTSIDE_H

#include <stdbool.h>
#include <stddef.h>

#include <hakmem/control.h>

#include "hakctl/output/failure.h"
#include "hakctl/client/process.h"
#include "hakctl/client/reply.h"

struct outside {
	const struct process *process;
	struct control_outline outline;
	/* what is not read by then is given up: it may be made to have no end */
	uint64_t deadline_ns;
};

/* It took too long. */
bool outside_is_late(const struct outside *outside);

/* False: another build's library, or memory that may not be read. */
bool outside_open(struct outside *outside, const struct process *process,
		  const struct process_library *library, struct failure *failure);

/*
 * What is counted now goes into the ledger; what only a helper knows stays as it is there. classes:
 * room for CONTROL_SNAPSHOT_CLASSES; how many there are is the answer, 0: with a failure.
 */
size_t outside_read(const struct outside *outside, struct control_ledger *ledger,
		    struct control_class *classes, struct failure *failure);

/* A row for each heap, with the number of its thread. False: what it counts cannot be read. */
bool outside_threads(const struct outside *outside, struct reply_rows *rows);

/* Free memory in slabs that are partly used, page by page; pages that are resident. */
struct outside_pins {
	/* free, in pages that hold something live (or a block in a thread's cache) */
	uint64_t pinned_bytes;
	uint64_t pinned_pages;
	uint64_t empty_bytes;	/* pages without a live block: they can go */
};

/* False: it cannot be read, or this kernel does not say which pages are there (before 6.7). */
bool outside_find_pins(const struct outside *outside, struct outside_pins *pins);

/* As the library knows them; returns how many. */
size_t outside_rungs(const struct outside *outside, struct control_rung *rungs, size_t most);

#endif
