/* SPDX-License-Identifier: MIT */
/*
 * helper_mode.h - what can be told of the helper: which way it works, or why there is none.
 *
 * Who may run with whom: helper_mode_note_* the helper alone; the rest anyone.
 */
#ifndef HAKMEM_UPKEEP_HELPER_MODE_H
#define HAKMEM_UPKEEP_HELPER_MODE_H

#include <stddef.h>

/* There is none now, perhaps later. why: a constant; error: -errno, or 0. */
void helper_mode_say_why_none(const char *why, int error);

/* There will be none. */
void helper_mode_refuse(const char *why, int error);

/* It works. */
void helper_mode_note_work(void);
void helper_mode_note_wakeup(void);
size_t helper_mode_wakeups(void);

/* One line, no newline: which mode is in force, and why not a better one. */
void helper_mode_describe(char *text, size_t bytes);

#endif
