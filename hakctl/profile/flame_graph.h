/* SPDX-License-Identifier: MIT */
/*
 * A flame graph (Gregg, 2011) as one SVG file: a box a frame, as wide as what was allocated below
 * it, callers above. A click on a box makes it as wide as the picture; nothing is loaded from
 * elsewhere.
 */
#ifndef HAKCTL_FLAME_GRAPH_H
#define HAKCTL_FLAME_GRAPH_H

#include <stdio.h>

#include "hakctl/profile/heap_profile.h"

/* False: it could not be written. */
bool flame_graph_write(const struct heap_profile *profile, enum profile_value value,
		       const char *title, FILE *file);

#endif
