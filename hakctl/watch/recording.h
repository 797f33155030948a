/* SPDX-License-Identifier: MIT */
/*
 * What processes were like over the last hours: a file of records of one size, a ring, written by
 * `hakctl watch` and read by `hakctl diff`. Whoever reads it believes nothing in it.
 */
#ifndef HAKCTL_RECORDING_H
#define HAKCTL_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hakmem/control.h>

#include "hakctl/client/look.h"
#include "hakctl/output/failure.h"

#define RECORDING_FILE "hakmem.record"

struct recording_class {
	uint32_t size_bytes;
	uint32_t alignment_only;
	uint64_t live, lost; /* blocks; lost: free in slabs, in caches, or on the way */
};

/* One look at one process. */
struct recording_look {
	uint64_t number;  /* of all that were ever written, from 1; 0: an empty place */
	uint64_t time_ns; /* CLOCK_REALTIME */
	uint32_t pid, class_count;
	uint64_t start_time; /* of the process: a number is used again */
	uint64_t rss_bytes;
	char title[128];
	struct control_ledger ledger;
	struct recording_class classes[CONTROL_SNAPSHOT_CLASSES];
};

struct recording {
	int file;
	uint64_t places; /* in the ring */
	uint64_t number; /* of the last one written */
};

void recording_take(struct recording_look *record, const struct target *target,
		    const struct look *look);

/* To write: made, or gone on with; one writer at a time. bytes: at most so large. */
bool recording_begin(struct recording *recording, const char *path, uint64_t bytes,
		     struct failure *failure);
bool recording_write(struct recording *recording, struct recording_look *record,
		     struct failure *failure);

/* To read. */
bool recording_open(struct recording *recording, const char *path, struct failure *failure);
/* Calls visit for each record, in no order. False: the file cannot be read. */
bool recording_visit(const struct recording *recording,
		     void (*visit)(const struct recording_look *record, void *argument),
		     void *argument, struct failure *failure);
void recording_close(struct recording *recording);

#endif
