/* SPDX-License-Identifier: MIT */
/*
 * settings.h - the tree of names: every counter, and every knob that can be turned while the
 * process runs. hakctl list, get and set, hak_ctl and hak_stats_read all use this table.
 *
 * Who may run with whom: anyone with anyone; no lock, and no system call but the clock.
 */
#ifndef HAKMEM_CONTROL_SETTINGS_H
#define HAKMEM_CONTROL_SETTINGS_H

#include <hakmem/control.h>

#include "support/index.h"

#define SETTINGS_NONE	INDEX_NONE

uint32_t settings_count(void);

/* SETTINGS_NONE: no such name. */
uint32_t settings_find(const char *name);

void settings_read(uint32_t index, struct control_setting *setting);

/* 0, or enum control_error_code and *cause, a constant. */
uint16_t settings_change(uint32_t index, const char *value, const char **cause);

/* Rows of struct control_setting from a first one on; returns how many. */
uint32_t settings_fill(void *rows, uint32_t first, uint32_t most);

#endif
