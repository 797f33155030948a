/* SPDX-License-Identifier: MIT */
/* A drop-in for a systemd unit that has a filter, under which the library has all its calls. */
#ifndef HAKCTL_DOCTOR_UNIT_FILTER_H
#define HAKCTL_DOCTOR_UNIT_FILTER_H

#include "hakctl/output/failure.h"

/*
 * unit: a name, or the path of a unit's file. Prints the drop-in, and says on standard error what
 * is loosened. Nothing is added to a kind of filter that the unit does not have: it would be one.
 */
bool unit_filter_print(const char *unit, struct failure *failure);

#endif
