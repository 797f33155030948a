/* SPDX-License-Identifier: MIT */
/* The state of `hakctl top`: top.c and top_keys.c change it, top_screen.c and others draw it. */
#ifndef HAKCTL_TOP_H
#define HAKCTL_TOP_H

#include <stdbool.h>

#include "hakctl/client/look.h"
#include "hakctl/client/rates.h"
#include "hakctl/watch/top_list.h"

enum top_view { TOP_CLASSES, TOP_THREADS, TOP_NODES, TOP_VIEW_COUNT };

/* Columns of the tables below a process, in the order in which s goes through them. */
enum top_sort {
	TOP_BY_LIVE,
	TOP_BY_SIZE,
	TOP_BY_CACHED,
	TOP_BY_FREE,
	TOP_BY_LOST,
	TOP_BY_COUNT,
	TOP_BY_USED,
	TOP_SORT_COUNT
};

struct top {
	struct top_list list;
	bool is_overview;	/* all processes, else the chosen one */
	struct top_row *cursor; /* in the overview; NULL: the first */
	struct top_row *chosen; /* NULL: none */
	struct look look;	/* of it */
	bool is_known;		/* look holds something */
	struct rates rates;
	enum top_view view;
	enum top_sort sort;
	bool is_reversed;
	double interval_s;
	size_t scroll; /* rows of the table, or lines of the help, that are above it */
	int page;      /* lines that the table has room for; the drawing says it */
	bool is_helping, is_filtering;
	char status[200]; /* the line above the keys */
};

/* A look at what is shown. */
void top_look(struct top *top);
/* Shows one process, or with NULL all of them. */
void top_choose(struct top *top, struct top_row *row);

/* What a key does; false: the end. */
bool top_keys_press(struct top *top, int key);

void top_screen_begin(void);
void top_screen_end(void);
void top_screen_draw(struct top *top);

/* At this place, cut at the edge: nothing runs on into the next line. */
__attribute__((format(printf, 3, 4))) void top_screen_put(int line, int column, const char *format,
							   ...);
/* Behind what was put last, if that did not fill the line. */
__attribute__((format(printf, 1, 2))) void top_screen_add(const char *format, ...);
/* What is populated, in one line; what its signs mean, in one more; how it went, in one more. */
void top_screen_bar(const struct control_ledger *ledger, int line);
void top_screen_legend(int line);
void top_screen_history(const struct history *rss, const struct history *live, int line);
/* What stands out: red and bold, where there are colours. */
void top_screen_mark(bool is_on);

/* What is above the table takes this many lines more where there are so many. */
bool top_screen_is_tall(void);

void top_overview_draw(struct top *top);
void top_help_draw(struct top *top);
/* The column by which the tables are sorted. */
const char *top_table_sort_name(enum top_sort sort);

#endif
