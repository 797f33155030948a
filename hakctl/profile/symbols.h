/* SPDX-License-Identifier: MIT */
/*
 * What places in another process are called: function, file, line, by elfutils' libdwfl; its files
 * are found in its own root, so in a container too. Files of other users are copied before they
 * are read. Without libdwfl nothing has a name.
 */
#ifndef HAKCTL_SYMBOLS_H
#define HAKCTL_SYMBOLS_H

#include "hakctl/profile/heap_profile.h"

struct symbols;

/* Adds the mappings to the profile. NULL: nothing will have a name. */
struct symbols *symbols_open(const struct target *target, struct heap_profile *profile);
void symbols_find(struct symbols *symbols, struct heap_profile *profile,
		  struct profile_frame *frame);
void symbols_close(struct symbols *symbols);

#endif
