/* SPDX-License-Identifier: MIT */
/*
 * charge.h - how much of the heap is taken, against limit_hard, and how much of it has pages.
 *
 * Who may run with whom: anyone with anyone. Counts, which order nothing: all relaxed.
 */
#ifndef HAKMEM_BACK_CHARGE_H
#define HAKMEM_BACK_CHARGE_H

#include <stdbool.h>
#include <stddef.h>

/* Counts heap that is taken; false: it would pass limit_hard. The inverse: it was put back. */
bool charge_take(size_t bytes);
void charge_put(size_t bytes);
/* Whether it would be counted just now. */
bool charge_allows(size_t bytes);
size_t charge_taken_bytes(void);

/* Units of superslabs that got pages, or lost them. */
void charge_note_populated(int units);
/* In a fork's child: counted anew. */
void charge_set_populated(size_t units);
size_t charge_populated_bytes(void);

#endif
