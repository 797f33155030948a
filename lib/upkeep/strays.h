/* SPDX-License-Identifier: MIT */
/*
 * strays.h - stray accesses: what is said of them, and the last of them for hakctl stray.
 *
 * Who may run with whom: strays_report is the helper's alone; the rest anyone's.
 */
#ifndef HAKMEM_UPKEEP_STRAYS_H
#define HAKMEM_UPKEEP_STRAYS_H

#include <hakmem/control.h>
#include <kmod-free-helpers/fault_service.h>

/* As on_stray_access says. */
void strays_report(const struct fault_stray *stray);

uint32_t strays_count(void);
/* Rows first … of those that are kept, oldest first; returns how many. */
uint32_t strays_read(struct control_stray *rows, uint32_t first, uint32_t most);

#endif
