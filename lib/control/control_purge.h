/* SPDX-License-Identifier: MIT */
/*
 * control_purge.h - giving back at once what can be given, on request.
 *
 * Who may run with whom: _begin and _answer are the control thread's, _tick the helper's; they
 * share two flags.
 */
#ifndef HAKMEM_CONTROL_CONTROL_PURGE_H
#define HAKMEM_CONTROL_CONTROL_PURGE_H

#include <stdbool.h>
#include <stdint.h>

#include <hakmem/control.h>

/* 0, or enum control_error_code and *cause, a constant. */
uint16_t control_purge_begin(const struct control_purge *purge, const char **cause);

/* Everything idle should go now: the helper releases without waiting for the decay. */
bool control_purge_is_on(void);

/* In each round of the helper. Returns how long to sleep at most, in ns. */
uint64_t control_purge_tick(void);

/* False: not done yet, ask again. */
bool control_purge_answer(struct control_purged *purged);

/* In a fork's child. */
void control_purge_forget(void);

#endif
