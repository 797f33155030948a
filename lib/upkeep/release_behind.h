/* SPDX-License-Identifier: MIT */
/*
 * release_behind.h - the helper's half of releasing: memory that was free for a while goes
 * back, and no application thread notices. Called by the helper alone.
 *
 *   in use ─► free ─► queued (watched) ─► due ─► in flight ─► released
 *               ▲________________│ taken, or touched: the decay begins anew
 *
 * What is in flight is claimed: nobody can take it.
 */
#ifndef HAKMEM_UPKEEP_RELEASE_BEHIND_H
#define HAKMEM_UPKEEP_RELEASE_BEHIND_H

#include <stdbool.h>
#include <stdint.h>

#include "upkeep/release_policy.h"

/* use_ring false: a filter might kill for trying. */
void release_behind_begin(bool use_ring);

/* One round of work. Returns how long to sleep at most, in ns. */
uint64_t release_behind_tick(enum release_urgency urgency);

/* In a fork's child. */
void release_behind_forget(void);

/* By a helper whose predecessor in this process was killed: what that had claimed is free again. */
void release_behind_take_over(void);

#endif
