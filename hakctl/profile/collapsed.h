/* SPDX-License-Identifier: MIT */
/* Stacks as lines, "outermost;…;innermost NUMBER", as flame graph programs read them. */
#ifndef HAKCTL_COLLAPSED_H
#define HAKCTL_COLLAPSED_H

#include <stdio.h>

#include "hakctl/profile/heap_profile.h"

/* False: it could not be written. */
bool collapsed_write(const struct heap_profile *profile, enum profile_value value, FILE *file);

#endif
