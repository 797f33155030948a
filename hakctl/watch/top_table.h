/* SPDX-License-Identifier: MIT */
/* The lower part of top: size classes, threads or nodes, sorted and scrolled. */
#ifndef HAKCTL_VERBS_TOP_TABLE_H
#define HAKCTL_VERBS_TOP_TABLE_H

#include "hakctl/watch/top.h"

/* Fills the lines from first to end, which is not its own any more. */
void top_table_draw(struct top *top, int first, int end);

/* What is free in the slabs of a class, and in caches. */
double top_table_lost_bytes(const struct control_class *class);
/* The class that has most of it; false: no class has any, or they are not known. */
bool top_table_worst(const struct top *top, struct control_class *worst);

#endif
