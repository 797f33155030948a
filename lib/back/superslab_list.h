/* SPDX-License-Identifier: MIT */
/*
 * superslab_list.h - the superslabs of each home by how many units they have free, so that the
 * fullest is found first. Called by superslab.c, with the superslab lock unless said otherwise.
 *
 * A superslab's place is a hint: its units are put and claimed without the lock. Who does
 * that says so, and it is moved before the next look.
 *
 * Who may run with whom: one at a time, by the superslab lock; who says that a place is not true
 * any more, anyone with anyone.
 */
#ifndef HAKMEM_BACK_SUPERSLAB_LIST_H
#define HAKMEM_BACK_SUPERSLAB_LIST_H

#include <stdint.h>

#include "back/superslab_record.h"

/* Lists 0 to 32 by free units; wholly free ones without pages have one of their own. */
#define SUPERSLAB_LIST_BARE	(SUPERSLAB_UNITS + 1)
#define SUPERSLAB_LISTS		(SUPERSLAB_UNITS + 2)

void superslab_list_insert(uint32_t index);
void superslab_list_remove(uint32_t index);
/* To where it belongs, if it stands in a list at all. */
void superslab_list_again(uint32_t index);

/* The same, by anyone and later: no lock. */
void superslab_list_note(uint32_t index);
/* What was noted. */
void superslab_list_again_noted(void);

/* A bit a list that is not empty; a link to the first of one. The next is in its record. */
uint64_t superslab_list_in_use(unsigned home);
uint32_t superslab_list_first(unsigned home, unsigned list);

/* In a fork's child: what was noted, or was about to be. */
void superslab_list_after_fork_in_child(uint32_t superslabs);

#endif
