/* SPDX-License-Identifier: MIT */
/*
 * idle.h - whether a process that is too small for a helper has let go of so much that one is
 * worth starting: nobody else gives memory back.
 *
 * Who may run with whom: anyone with anyone. relaxed, all of it: counts, which order nothing.
 */
#ifndef HAKMEM_BACK_IDLE_H
#define HAKMEM_BACK_IDLE_H

#include <stddef.h>

/* Slabs and large blocks of so many bytes were taken, or put. No lock; no system call. */
void idle_note_taken(size_t bytes);
void idle_note_put(size_t bytes);

/* A fork's child has done neither. */
void idle_after_fork_in_child(void);

#endif
