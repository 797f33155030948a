/* SPDX-License-Identifier: MIT */
/* One knob or counter of a process, by its name: read, or changed. */
#ifndef HAKCTL_VERBS_KNOB_H
#define HAKCTL_VERBS_KNOB_H

#include <stdbool.h>

/* The whole verb; argv[0] is its name. */
int knob_run(int argc, char **argv, bool is_set);

#endif
