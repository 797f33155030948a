/* SPDX-License-Identifier: MIT */
/*
 * limits.h - the heap's limits while the process runs: hakctl limit, and hak_ctl. Called by
 * control_answer.c and ledger.c.
 */
#ifndef HAKMEM_CONTROL_LIMITS_H
#define HAKMEM_CONTROL_LIMITS_H

#include <hakmem/control.h>

void limits_read(struct control_limit *limit);

/* 0, or enum control_error_code and *cause, a constant. */
uint16_t limits_change(const struct control_limit *change, const char **cause);

/* The same for what `hakctl set` is about to change: 0 for what is no limit. The control thread. */
uint16_t limits_judge_setting(const char *name, const char *value, const char **cause);

#endif
