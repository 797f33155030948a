/* SPDX-License-Identifier: MIT */
/*
 * snapshot.h - hak_snapshot, the exported copy of the ledger for a process that cannot answer:
 * hakctl reads it from outside while the process is stopped, the helper with it.
 *
 * Who may run with whom: one writer at a time (the constructor, then the helper that serves
 * the control socket); readers outside the process see by sequence when a copy is torn.
 */
#ifndef HAKMEM_CONTROL_SNAPSHOT_H
#define HAKMEM_CONTROL_SNAPSHOT_H

#include <stdint.h>

/* Writes it anew, unless it was written a moment ago. */
void snapshot_refresh(uint64_t now_ns);

void snapshot_say_socket(const char *path);
/* cause: copied. */
void snapshot_say_why_no_socket(const char *cause);

/* In a fork's child. */
void snapshot_forget(void);

#endif
