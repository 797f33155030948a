/* SPDX-License-Identifier: MIT */
/* For a rung that is off: what it is for, and the line that mends it. */
#ifndef HAKCTL_CLIENT_REMEDY_H
#define HAKCTL_CLIENT_REMEDY_H

#include <hakmem/control.h>

#include "hakctl/client/process.h"

/* "populates memory ahead"; "" for a rung that is not known. */
const char *remedy_purpose(const struct control_rung *rung);
/*
 * A command, an option or a kernel; "": none is known. Of this machine, as it is now, and for the
 * way in which the process was started; NULL: hakctl itself. Overwritten by the next call.
 */
const char *remedy_line(const struct control_rung *rung, const struct process *process);

#endif
