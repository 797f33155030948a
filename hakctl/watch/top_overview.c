/* SPDX-License-Identifier: MIT */
/* See top.h: all processes on one screen; top_screen.c calls it. */
#include <config.h>

#include <math.h>
#include <ncurses.h>
#include <stdio.h>
#include <string.h>

#include "hakctl/output/table.h"
#include "hakctl/output/units.h"
#include "hakctl/watch/top.h"

/*
 * Where the terminal has fewer columns than least, this one is left out; what is left is the
 * command's.
 */
static const struct {
	const char *title, *name;
	int width, least;
} columns[] = {
	[TOP_PID] = { "PID", "pid", 7, 0 },
	[TOP_USER] = { "USER", "user", 8, 110 },
	[TOP_RSS] = { "RSS", "rss", 7, 0 },
	[TOP_LIVE] = { "LIVE", "live", 7, 0 },
	[TOP_POPULATED] = { "POPUL.", "populated", 7, 100 },
	[TOP_LOST] = { "LOST", "lost", 7, 60 },
	[TOP_GROWTH] = { "LIVE/s", "live/s", 8, 60 },
	[TOP_RELEASED] = { "BACK/s", "back/s", 7, 80 },
	[TOP_CALLS] = { "CALLS/s", "calls/s", 7, 110 },
	[TOP_COMMAND] = { "COMMAND", "command", 0, 0 },
};

static int history_width(void)
{
	return COLS >= 160 ? 32 : COLS >= 120 ? 20 : COLS >= 80 ? 10 : 0;
}

static bool is_shown(enum top_column column)
{
	return COLS >= columns[column].least;
}

static struct units_text value_text(enum top_column column, double value)
{
	struct units_text text = { "" };

	if (column == TOP_PID)
		snprintf(text.text, sizeof(text.text), "%d", (int)value);
	else if (column == TOP_CALLS)
		text = units_count(fmax(value, 0));
	else if (column == TOP_GROWTH)
		snprintf(text.text, sizeof(text.text), "%s%.20s",
			 value >= 0.5  ? "+" :
			 value <= -0.5 ? "-" :
					 "",
			 units_bytes((uint64_t)fabs(value)).text);
	else
		text = units_bytes((uint64_t)fmax(value, 0));
	return text;
}

static void draw_titles(const struct top_list *list, int line)
{
	int x = 0;

	attron(A_BOLD | A_UNDERLINE);
	mvhline(line, 0, ' ', COLS);
	for (int column = 0; column < TOP_COLUMN_COUNT; column++) {
		if (column == TOP_COMMAND && history_width()) {
			top_screen_put(line, x, "RSS SO FAR");
			x += history_width() + 1;
		}
		if (!is_shown(column))
			continue;
		if (column == (int)list->sort)
			attron(A_REVERSE);
		top_screen_put(line, x,
			       column == TOP_USER || column == TOP_COMMAND ? "%-*s" : "%*s",
			       columns[column].width, columns[column].title);
		attroff(A_REVERSE);
		x += columns[column].width + 1;
	}
	attroff(A_BOLD | A_UNDERLINE);
}

/* Of a process that could not be looked at, and of one whose kernel has not told its pages. */
static bool is_known(const struct top_row *row, int column)
{
	return column == TOP_RSS || column == TOP_PID || !row ||
	       (row->is_known && (column != TOP_POPULATED || row->ledger.populated_ns));
}

/*
 * The columns before the history; a group has no number and no user. Returns where the next begins.
 */
static int draw_values(const struct top_line *each, int line)
{
	int x = 0;

	for (int column = 0; column < TOP_COMMAND; column++) {
		if (!is_shown(column))
			continue;
		if (column == TOP_USER)
			top_screen_put(line, x, "%-*.*s", columns[column].width,
				       columns[column].width, each->row ? each->row->user : "");
		else if (column != TOP_PID || each->row)
			top_screen_put(line, x, "%*s", columns[column].width,
				       is_known(each->row, column) ?
					       value_text(column, each->values[column]).text :
					       "-");
		x += columns[column].width + 1;
	}
	return x;
}

static void draw_line(const struct top *top, const struct top_line *each, int line)
{
	const struct top_row *row = each->row;
	bool is_cursor = row && row == top->cursor;
	bool is_marked = row && row->why[0];
	int x;

	if (is_cursor)
		attron(A_REVERSE);
	if (is_cursor)
		mvhline(line, 0, ' ', COLS);
	if (is_marked)
		top_screen_mark(true);
	if (!row)
		attron(A_BOLD);
	x = draw_values(each, line);
	if (history_width() && row)
		top_screen_put(line, x, "%s", history_draw(&row->rss, history_width()).text);
	x += history_width() ? history_width() + 1 : 0;
	x += 2 * each->depth;
	if (row)
		top_screen_put(line, x, "%s%s%s", row->title, row->why[0] ? ": " : "", row->why);
	else
		top_screen_put(line, x, "%.*s  (%zu)", each->label_bytes ? each->label_bytes : 9,
			       each->label_bytes ? each->label : "no cgroup", each->processes);
	attroff(A_REVERSE | A_BOLD);
	if (is_marked)
		top_screen_mark(false);
}

static void draw_heading(const struct top *top)
{
	const struct top_list *list = &top->list;

	attron(A_BOLD);
	top_screen_put(0, 0, "hakmem  %zu process%s  RSS %s  live %s", list->count,
		       list->count == 1 ? "" : "es", units_bytes(list->rss_bytes).text,
		       units_bytes(look_live_bytes(&list->total)).text);
	attroff(A_BOLD);
	top_screen_add("  every %.3g s  by %s%s", top->interval_s, columns[list->sort].name,
		       list->is_reversed ? ", reversed" : "");
	if (list->filter[0])
		top_screen_add("  with \"%s\"", list->filter);
	top_screen_bar(&list->total, 1);
}

/* The cursor's line is always among those that are seen. */
static void draw_lines(struct top *top, int first)
{
	const struct top_list *list = &top->list;
	size_t room = top->page > 0 ? (size_t)top->page : 0, at = top_lines_find(list, top->cursor);

	if (at < top->scroll)
		top->scroll = at;
	if (room && at >= top->scroll + room)
		top->scroll = at + 1 - room;
	/* The groups that it stands below, too. */
	while (top->scroll && top->scroll == at && !list->lines[at - 1].row && room > 2)
		top->scroll--, at--;
	if (top->scroll + room > list->line_count)
		top->scroll = list->line_count > room ? list->line_count - room : 0;
	for (size_t i = 0; i < room && top->scroll + i < list->line_count; i++)
		draw_line(top, &list->lines[top->scroll + i], first + (int)i);
}

void top_overview_draw(struct top *top)
{
	struct top_list *list = &top->list;
	int line = 2;

	top_lines_arrange(list);
	if (!top->cursor)
		for (size_t i = 0; i < list->line_count && !top->cursor; i++)
			top->cursor = list->lines[i].row;
	draw_heading(top);
	if (top_screen_is_tall()) {
		top_screen_legend(line++);
		top_screen_history(&list->rss, &list->live, line++);
	}
	draw_titles(list, line++);
	top->page = LINES - 2 - line;
	if (!list->line_count)
		top_screen_put(line, 0, "%s",
			       list->filter[0] ? "none with this word; Esc shows all" :
						 "no process on hakmem");
	draw_lines(top, line);
}
