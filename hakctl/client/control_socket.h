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

/* Removes sockets whose process has ended from the folders of this user. */
void control_socket_remove_stale(void);

#endif
