/* SPDX-License-Identifier: MIT */
/*
 * Processes that kept a scrape waiting: they are read from outside for a while, and left alone if
 * that takes long as well, so that one of them, which may mean to, delays no scrape of the others
 * but its first two.
 */
#ifndef HAKCTL_SLOW_TARGETS_H
#define HAKCTL_SLOW_TARGETS_H

#include <stdbool.h>

#include "hakctl/client/look.h"

/* Asks all at once, for these rows beside the ledger, but those that are read from outside now. */
void slow_targets_begin_scrape(struct target_list *all, unsigned rows);

/* As look_take, within the time that this process has deserved. */
bool slow_targets_look(struct target *target, unsigned wanted, struct look *look);

#endif
