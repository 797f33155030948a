/* SPDX-License-Identifier: MIT */
/*
 * Every process on hakmem as `hakctl top` has it: a row each with its last look and its history,
 * and the lines in which they are shown, sorted, filtered and, as a tree, below their cgroups.
 */
#ifndef HAKCTL_TOP_LIST_H
#define HAKCTL_TOP_LIST_H

#include <stdbool.h>

#include "hakctl/client/look.h"
#include "hakctl/client/rates.h"
#include "hakctl/client/target.h"
#include "hakctl/output/history.h"

enum top_column {
	TOP_PID,
	TOP_USER,
	TOP_RSS,
	TOP_LIVE,
	TOP_POPULATED,
	TOP_LOST, /* free in partly used slabs and in thread caches */
	TOP_GROWTH,
	TOP_RELEASED,
	TOP_CALLS,
	TOP_COMMAND,
	TOP_COLUMN_COUNT
};

struct top_row {
	struct target target;
	char title[256], group[256], user[16];
	struct control_ledger ledger; /* of the last look */
	bool is_known;		      /* there was one */
	bool is_gone, is_found;	      /* ended; there in the last search */
	char why[256];		      /* nobody answers; "": somebody does */
	unsigned looks_left_out;      /* it kept us waiting: so many are still to be left out */
	struct rates rates;
	struct history rss, live;
	double values[TOP_COLUMN_COUNT]; /* what is shown and sorted by */
};

/* Either a process, or what a cgroup's processes are together. */
struct top_line {
	struct top_row *row; /* NULL: a group */
	const char *label;   /* of a group: the last part of its path */
	int label_bytes, depth;
	size_t processes;
	double values[TOP_COLUMN_COUNT];
};

struct top_list {
	char **words; /* of the command line; none: all processes */
	struct top_row **rows;
	size_t count;
	struct top_line *lines;
	size_t line_count, line_room;
	struct control_ledger total;
	struct history rss, live; /* of the total */
	uint64_t rss_bytes;
	char filter[64];
	enum top_column sort;
	bool is_reversed, is_tree;
};

/* What is there now; rows of those that have ended go, but for keep. */
void top_list_search(struct top_list *list, const struct top_row *keep);
/* A look at each. */
void top_list_look(struct top_list *list);
/* Lines anew, as sort, filter and tree are now. */
void top_lines_arrange(struct top_list *list);
void top_list_free(struct top_list *list);

/* The number of a process's line; 0 if it has none. */
size_t top_lines_find(const struct top_list *list, const struct top_row *row);

#endif
