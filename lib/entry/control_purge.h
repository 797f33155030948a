/* SPDX-License-Identifier: MIT */
/*
 * control_purge.h - giving back at once what can be given, on request. The helper's alone.
 */
#ifndef HAKMEM_ENTRY_CONTROL_PURGE_H
#define HAKMEM_ENTRY_CONTROL_PURGE_H

#include <stdbool.h>
#include <stdint.h>

#include <hakmem/control.h>

/* 0, or enum control_error_code and *cause, a constant. */
uint16_t control_purge_begin(const struct control_purge *purge, const char **cause);

/* Everything idle should go now: the helper releases without waiting for the decay. */
bool control_purge_is_on(void);

/* In each round of the helper while a purge is on. */
void control_purge_tick(uint64_t now_ns);

/* False: not done yet, ask again. */
bool control_purge_answer(struct control_purged *purged);

#endif
