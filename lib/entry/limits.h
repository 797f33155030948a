/* SPDX-License-Identifier: MIT */
/*
 * limits.h - the heap's limits while the process runs: hakctl limit, and hak_ctl.
 */
#ifndef HAKMEM_ENTRY_LIMITS_H
#define HAKMEM_ENTRY_LIMITS_H

#include <hakmem/control.h>

void limits_read(struct control_limit *limit);

/* 0, or enum control_error_code and *cause, a constant. */
uint16_t limits_change(const struct control_limit *change, const char **cause);

#endif
