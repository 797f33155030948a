/* SPDX-License-Identifier: MIT */
/*
 * profile.proto of pprof (github.com/google/pprof), packed as gzip: with the names that Go's heap
 * profiles have for their values, so that every tool for those reads ours.
 */
#ifndef HAKCTL_PPROF_H
#define HAKCTL_PPROF_H

#include <stdio.h>

#include "hakctl/profile/heap_profile.h"

/* False: it could not be written. */
bool pprof_write(const struct heap_profile *profile, FILE *file);

/* One that pprof_write wrote. */
bool pprof_read(const char *path, struct heap_profile *profile, struct failure *failure);

#endif
