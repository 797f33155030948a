/* SPDX-License-Identifier: MIT */
/*
 * mallctl_counts.h - what jemalloc's stats.* are here: hakmem's own counters under jemalloc's
 * words. As there, they stay as they are until epoch is written.
 *
 * Who may run with whom: anyone with anyone; the numbers are those of a moment.
 */
#ifndef HAKMEM_JEMALLOC_MALLCTL_COUNTS_H
#define HAKMEM_JEMALLOC_MALLCTL_COUNTS_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes unless named otherwise. */
enum mallctl_count {
	MALLCTL_COUNT_ALLOCATED,	/* live blocks, as large as their class */
	/* they and the free blocks beside them, without what was given back */
	MALLCTL_COUNT_ACTIVE,
	MALLCTL_COUNT_RESIDENT,		/* heap and metadata, as the kernel says */
	MALLCTL_COUNT_METADATA,
	MALLCTL_COUNT_MAPPED,		/* of the heap, what may have pages */
	MALLCTL_COUNT_RETAINED,		/* opened, and without pages */
	MALLCTL_COUNT_DIRTY,		/* free, in no slab, not given back yet */
	MALLCTL_COUNT_CACHED,		/* free blocks in threads' bins */
	MALLCTL_COUNT_SMALL,		/* live blocks in slabs */
	MALLCTL_COUNT_LARGE,		/* live large blocks */
	MALLCTL_COUNT_THREADS,		/* that have allocated, a number */
	MALLCTL_COUNT_UP_NS,
	MALLCTL_COUNTS,
};

/* As of the last refresh; the first question refreshes. */
size_t mallctl_counts_read(enum mallctl_count count);

void mallctl_counts_refresh(void);

/* Memory was given back just now: the next refresh asks the kernel, whatever it costs. */
void mallctl_counts_forget(void);

#endif
