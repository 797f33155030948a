/* SPDX-License-Identifier: MIT */
/*
 * release_large.h - which free runs of the large range are due, and their pieces. Called by
 * release_behind, by the helper alone. One run at a time is claimed; it goes in pieces, several
 * of which may be in flight.
 */
#ifndef HAKMEM_UPKEEP_RELEASE_LARGE_H
#define HAKMEM_UPKEEP_RELEASE_LARGE_H

#include <stdbool.h>

#include "back/release.h"
#include "upkeep/release_policy.h"

/* Lets all that is watched age by one look. */
void release_large_look(const struct release_policy *policy);

/* Runs are due, or watched. */
bool release_large_is_due(void);
bool release_large_is_watching(void);

/* The next piece to release, at most so large. False: none just now. */
bool release_large_next(size_t bytes_most, struct release_span *piece);
/* What became of it. */
void release_large_done(struct release_span piece, bool released);

/* In a fork's child. */
void release_large_forget(void);

/* What is due, clean units among it, and what is on its way. Read by anyone; relaxed. */
void release_large_read(size_t *queued_bytes, size_t *flying_bytes);

#endif
