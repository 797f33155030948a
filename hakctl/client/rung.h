/* SPDX-License-Identifier: MIT */
/* Which rung a row is of: rows come by name, from libraries that may know others. */
#ifndef HAKCTL_CLIENT_RUNG_H
#define HAKCTL_CLIENT_RUNG_H

#include <stdbool.h>

#include <hakmem/control.h>

#include "support/rung_names.h"

/* A row of this rung in this state, with no cause yet. */
void rung_begin(struct control_rung *row, enum rung rung, enum control_rung_state state);

/* RUNG_COUNT_ALL: none that this hakctl knows. */
enum rung rung_of(const struct control_rung *row);

/* The row of a process that has no helper for this rung; NULL: it has one, or does not say. */
struct control_rung *rung_without_helper(struct control_rung *rows, size_t count);

#endif
