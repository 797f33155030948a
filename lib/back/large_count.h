/* SPDX-License-Identifier: MIT */
/*
 * large_count.h - what lives in the large range, added up.
 *
 * Who may run with whom: large_count_add and _add_range under the large lock; anyone reads, without
 * it, the numbers of a moment. relaxed: they order nothing.
 */
#ifndef HAKMEM_BACK_LARGE_COUNT_H
#define HAKMEM_BACK_LARGE_COUNT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "support/compiler.h"

struct large_counts {
	size_t live_bytes;
	size_t live_blocks;
	size_t asked_bytes;	/* of the live blocks; exact */
	size_t free_dirty_bytes;
	size_t free_clean_bytes;	/* released, or never used */
};

/* For hak_outline alone. relaxed: numbers of a moment. */
struct large_count_totals {
	_Atomic size_t range_units, live_units, live_blocks, live_slack;
};

extern struct large_count_totals large_count_totals HIDDEN;

/* Adds to what is live; slack: bytes of blocks behind what was asked for. */
void large_count_add(int32_t units, int blocks, int64_t slack);

/* Chunks that enter the large range, or leave it. */
void large_count_add_range(int32_t units);

struct large_counts large_count_read(void);

#endif
