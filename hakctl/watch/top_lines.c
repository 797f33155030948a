/* SPDX-License-Identifier: MIT */
/* See top_list.h: the order of the processes that top shows, and their tree. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hakctl/output/message.h"
#include "hakctl/watch/top_list.h"

static const struct top_list *sorted_now; /* for the comparison below */

static int by_column(const struct top_row *a, const struct top_row *b)
{
	double left = a->values[sorted_now->sort], right = b->values[sorted_now->sort];

	if (sorted_now->sort == TOP_COMMAND)
		return strcmp(a->title, b->title);
	if (sorted_now->sort == TOP_USER)
		return strcmp(a->user, b->user);
	if (sorted_now->sort == TOP_PID)
		return (left > right) - (left < right);
	/* Of what is measured the most stands above. */
	return (left < right) - (left > right);
}

/* As strcmp, but what is below a folder stands right behind it. */
static int compare_paths(const char *left, const char *right)
{
	while (*left && *left == *right)
		left++, right++;
	return (*left == '/' ? 1 : (unsigned char)*left) -
	       (*right == '/' ? 1 : (unsigned char)*right);
}

static int compare(const void *left, const void *right)
{
	const struct top_row *a = *(struct top_row *const *)left,
			     *b = *(struct top_row *const *)right;
	int order = sorted_now->is_tree ? compare_paths(a->group, b->group) : 0;

	if (order)
		return order;
	order = by_column(a, b);
	if (!order)
		order = (a->target.process.pid > b->target.process.pid) -
			(a->target.process.pid < b->target.process.pid);
	return sorted_now->is_reversed ? -order : order;
}

static bool is_wanted(const struct top_list *list, const struct top_row *row)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", (int)row->target.process.pid);
	return !row->is_gone &&
	       (!list->filter[0] || strcasestr(row->title, list->filter) ||
		strcasestr(row->target.process.name, list->filter) ||
		strcasestr(row->user, list->filter) || strcasestr(row->group, list->filter) ||
		!strcmp(pid, list->filter));
}

static struct top_line *add_line(struct top_list *list, struct top_line line)
{
	if (list->line_count == list->line_room) {
		list->line_room = list->line_room ? 2 * list->line_room : 64;
		list->lines = realloc(list->lines, list->line_room * sizeof(*list->lines));
		if (!list->lines)
			message_out_of_memory();
	}
	list->lines[list->line_count] = line;
	return &list->lines[list->line_count++];
}

/* Of the first bytes of the path: what is in this group, or below it. */
static void add_group(struct top_list *list, const struct top_row *first, size_t path_bytes,
		      size_t label_at, int depth)
{
	struct top_line line = { .label = first->group + label_at,
				 .label_bytes = (int)(path_bytes - label_at),
				 .depth = depth };

	for (size_t i = 0; i < list->count; i++) {
		const struct top_row *row = list->rows[i];
		char behind = row->group[path_bytes > strlen(row->group) ? 0 : path_bytes];

		if (!is_wanted(list, row) || strncmp(row->group, first->group, path_bytes) ||
		    (path_bytes > 1 && behind && behind != '/'))
			continue;
		line.processes++;
		for (int column = TOP_RSS; column < TOP_COMMAND; column++)
			line.values[column] += row->values[column];
	}
	add_line(list, line);
}

/* The groups of its path which the process before it is not in. Returns how deep it stands. */
static int add_groups(struct top_list *list, const struct top_row *before,
		      const struct top_row *row)
{
	const char *path = row->group;
	size_t start = 0, length = strlen(path);
	int depth = 0;

	if (length <= 1 && (!before || strcmp(before->group, path)))
		add_group(list, row, length, 0, 0);
	while (start + 1 < length) {
		size_t end = start + 1 + strcspn(path + start + 1, "/");

		if (!before || strncmp(before->group, path, end) ||
		    (before->group[end] && before->group[end] != '/'))
			add_group(list, row, end, start, depth);
		depth++;
		start = end;
	}
	return depth ? depth : 1;
}

void top_lines_arrange(struct top_list *list)
{
	const struct top_row *before = NULL;

	sorted_now = list;
	list->line_count = 0;
	if (list->count)
		qsort(list->rows, list->count, sizeof(struct top_row *), compare);
	for (size_t i = 0; i < list->count; i++) {
		struct top_row *row = list->rows[i];
		struct top_line line = { .row = row };

		if (!is_wanted(list, row))
			continue;
		if (list->is_tree)
			line.depth = add_groups(list, before, row);
		memcpy(line.values, row->values, sizeof(line.values));
		add_line(list, line);
		before = row;
	}
}

size_t top_lines_find(const struct top_list *list, const struct top_row *row)
{
	for (size_t i = 0; i < list->line_count; i++)
		if (list->lines[i].row == row)
			return i;
	return 0;
}
