/* SPDX-License-Identifier: MIT */
/*
 * profiling.h - a profile begins and ends in all threads of the process, also in those that never
 * take a slow path: their caches are seized for a moment.
 *
 * Who may run with whom: any thread that works in no cache, the control thread mostly; whoever
 * comes while another is at it is refused.
 */
#ifndef HAKMEM_UPKEEP_PROFILING_H
#define HAKMEM_UPKEEP_PROFILING_H

#include <stdbool.h>
#include <stddef.h>

/* As options.profile_bytes says; SIZE_MAX: none. NULL, or why not. */
const char *profiling_follow(void);

#endif
