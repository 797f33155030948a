/* SPDX-License-Identifier: MIT */
/* The lower part of top: size classes, threads or nodes, sorted and scrolled. */
#ifndef HAKCTL_VERBS_TOP_TABLE_H
#define HAKCTL_VERBS_TOP_TABLE_H

#include "hakctl/verbs/top.h"

/* Fills the lines from first to end, which is not its own any more. */
void top_table_draw(struct top *top, int first, int end);

#endif
