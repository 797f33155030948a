/* SPDX-License-Identifier: MIT */
/*
 * large_gap.h - units at the end of a live large block that nobody is to use. Called by
 * front/guarded.c.
 *
 * Who may run with whom: set, the block's owner, under the large lock; bytes, whoever has the
 * block.
 */
#ifndef HAKMEM_BACK_LARGE_GAP_H
#define HAKMEM_BACK_LARGE_GAP_H

#include <stddef.h>
#include <stdint.h>

/* The last so many units of a block that was just taken with them. */
void large_gap_set(void *block, uint32_t units);
/* What it was set to. */
size_t large_gap_bytes(const void *block);

#endif
