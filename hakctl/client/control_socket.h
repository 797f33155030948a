/* SPDX-License-Identifier: MIT */
/*
 * Where a process has its control socket: DIR/PID.STARTTIME.sock, in the first of the
 * folders that hakmem(7) lists, seen through /proc/PID/root if it has another root.
 */
#ifndef HAKCTL_CLIENT_CONTROL_SOCKET_H
#define HAKCTL_CLIENT_CONTROL_SOCKET_H

#include <limits.h>
#include <stdbool.h>

#include "hakctl/client/process.h"

/* Finds it by the folders alone; the process is not asked. */
bool control_socket_find(const struct process *process, char path[PATH_MAX]);

/*
 * Goes through the folders of this user, or as root of all: a socket whose process has ended is
 * removed, of each other one the process is visited.
 */
void control_socket_visit_all(void (*visit)(const struct process *process, void *argument),
			      void *argument);

#endif
