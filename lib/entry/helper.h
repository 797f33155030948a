/* SPDX-License-Identifier: MIT */
/*
 * helper.h - the background thread: it populates memory ahead of its use. Needed for
 * nothing; makes things faster.
 */
#ifndef HAKMEM_ENTRY_HELPER_H
#define HAKMEM_ENTRY_HELPER_H

#include <stddef.h>

/* Once a process, by the library's constructor, after the options are read. */
void helper_init(void);

/* The helper was the parent's. */
void helper_after_fork_in_child(void);

/* One line, no newline: which mode is in force, and why not a better one. */
void helper_describe(char *text, size_t bytes);

size_t helper_wakeups(void);

/* The process ends: removes the control socket, unless a seccomp filter might kill for it. */
void helper_end(void);

#endif
