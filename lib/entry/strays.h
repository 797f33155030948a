/* SPDX-License-Identifier: MIT */
/*
 * strays.h - the last stray accesses, for hakctl stray. strays_note is the helper's
 * alone; the rest anyone's.
 */
#ifndef HAKMEM_ENTRY_STRAYS_H
#define HAKMEM_ENTRY_STRAYS_H

#include <hakmem/control.h>

void strays_note(const struct control_stray *stray);

uint32_t strays_count(void);
/* Rows first … of those that are kept, oldest first; returns how many. */
uint32_t strays_read(struct control_stray *rows, uint32_t first, uint32_t most);

#endif
