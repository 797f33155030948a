/* SPDX-License-Identifier: MIT */
/*
 * The snapshot that the library exports as hak_snapshot, read out of the memory of a process
 * that cannot answer: stopped, or without a socket. The process notices nothing.
 */
#ifndef HAKCTL_CLIENT_SNAPSHOT_H
#define HAKCTL_CLIENT_SNAPSHOT_H

#include <stdbool.h>

#include <hakmem/control.h>

#include "hakctl/output/failure.h"
#include "hakctl/client/process.h"

bool snapshot_read(const struct process *process, const struct process_library *library,
		   struct control_snapshot *snapshot, struct failure *failure);

#endif
