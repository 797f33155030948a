/* SPDX-License-Identifier: MIT */
/* The state of `hakctl top`: top.c changes it, top_screen.c draws it. */
#ifndef HAKCTL_VERBS_TOP_H
#define HAKCTL_VERBS_TOP_H

#include <stdbool.h>

#include "hakctl/client/look.h"
#include "hakctl/client/rates.h"
#include "hakctl/client/target.h"

enum top_view { TOP_CLASSES, TOP_THREADS, TOP_NODES, TOP_VIEW_COUNT };
enum top_sort { TOP_BY_LIVE, TOP_BY_SIZE, TOP_BY_CACHED, TOP_BY_FREE, TOP_SORT_COUNT };

struct top {
	struct target_list list;
	size_t chosen; /* in list */
	struct look look;
	bool is_known; /* look holds something */
	struct control_ledger before;
	bool has_before;
	struct rates rates;
	enum top_view view;
	enum top_sort sort;
	double interval_s;
	size_t scroll;	  /* rows of the table that are above it */
	bool is_choosing; /* a process, from the list */
	size_t cursor;	  /* while choosing */
	bool is_helping;
	char status[200]; /* the line above the keys */
};

void top_screen_begin(void);
void top_screen_end(void);
void top_screen_draw(struct top *top);

/* At this place, cut at the edge: nothing runs on into the next line. */
__attribute__((format(printf, 3, 4))) void top_screen_put(int line, int column, const char *format,
							   ...);

#endif
