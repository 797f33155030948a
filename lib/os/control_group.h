/* SPDX-License-Identifier: MIT */
/*
 * control_group.h - the directories of the cgroups that the calling task is in, of both versions,
 * and numbers in their files. For the helper, before it confines itself; reading goes on behind it.
 */
#ifndef HAKMEM_OS_CONTROL_GROUP_H
#define HAKMEM_OS_CONTROL_GROUP_H

#include <stdint.h>

/*
 * A descriptor of the folder that has the controller's files, or -errno. controller: as version 1
 * calls it ("memory"). up: so many levels above the task's own; -ENOENT above the topmost.
 */
int control_group_open(const char *controller, unsigned up);

/* A descriptor of a file in it, or -errno; folder may be one. */
int control_group_open_file(int folder, const char *name);

/* The number in it; 0: "max", or nothing there. */
uint64_t control_group_number(int file);

void control_group_close(int descriptor);

#endif
