/* SPDX-License-Identifier: MIT */
/* See top.h: what the keys of `hakctl top` do. */
#include <config.h>

#include <ctype.h>
#include <ncurses.h>
#include <stdio.h>
#include <string.h>

#include "hakctl/output/units.h"
#include "hakctl/watch/top.h"

#define FASTEST_S 0.1
#define SLOWEST_S 60.0

enum { CONTROL_L = 12, ESCAPE = 27, DELETE = 127 };

/* What is left then goes on; keys should not wait for long. */
#define PURGE_MS 500

static void purge(struct top *top)
{
	struct control_purge request = { .flags = CONTROL_PURGE_CACHES | CONTROL_PURGE_WAIT,
					 .timeout_ms = PURGE_MS };
	struct control_purged purged;
	struct connection connection;
	struct failure failure;

	if (!top->chosen)
		return;
	if (!target_connect(&top->chosen->target, &connection, &failure)) {
		snprintf(top->status, sizeof(top->status), "purge: %.180s", failure.text);
		return;
	}
	if (connection_ask(&connection, CONTROL_PURGE, &request, sizeof(request), &purged,
			   sizeof(purged), 0, &failure))
		snprintf(top->status, sizeof(top->status), "purge: gave back %s in %s%s",
			 units_mebibytes(purged.released_bytes).text,
			 units_nanoseconds(purged.elapsed_ns).text,
			 purged.is_done ? "" : ", and goes on");
	else
		snprintf(top->status, sizeof(top->status), "purge: %.180s", failure.text);
	connection_close(&connection);
}

static void change_interval(struct top *top, double factor)
{
	top->interval_s *= factor;
	if (top->interval_s < FASTEST_S)
		top->interval_s = FASTEST_S;
	if (top->interval_s > SLOWEST_S)
		top->interval_s = SLOWEST_S;
	snprintf(top->status, sizeof(top->status), "every %.3g s", top->interval_s);
}

static void show(struct top *top, enum top_view view)
{
	top->view = view;
	top->scroll = 0;
	top_look(top);
}

/* How far a key goes; false: it is another one. */
static bool steps_of(const struct top *top, int key, long *steps)
{
	long page = top->page > 1 ? top->page - 1 : 1;

	*steps = key == KEY_UP	  ? -1 :
		 key == KEY_DOWN  ? 1 :
		 key == KEY_PPAGE ? -page :
		 key == KEY_NPAGE ? page :
		 key == KEY_HOME  ? -(1L << 30) :
		 key == KEY_END	  ? 1L << 30 :
				    0;
	return *steps != 0;
}

/* Clamped to the end where it is drawn, which knows how many there are. */
static void scroll_by(struct top *top, long steps)
{
	long scroll_ = (long)top->scroll + steps;

	top->scroll = scroll_ < 0 ? 0 : (size_t)scroll_;
}

static bool press_process(struct top *top, int key)
{
	static const char *const views = "ctn";
	long steps;

	if (steps_of(top, key, &steps))
		scroll_by(top, steps);
	else if (key > 0 && key < DELETE && strchr(views, key))
		show(top, (enum top_view)(strchr(views, key) - views));
	else if (key == '\t')
		show(top, (top->view + 1) % TOP_VIEW_COUNT);
	else if (key == 's' || key == '>')
		top->sort = (top->sort + 1) % TOP_SORT_COUNT;
	else if (key == '<')
		top->sort = (top->sort + TOP_SORT_COUNT - 1) % TOP_SORT_COUNT;
	else if (key == 'r')
		top->is_reversed = !top->is_reversed;
	else if (key == 'p')
		purge(top);
	else if (key == 'o' || key == ESCAPE)
		top_choose(top, NULL);
	else
		return false;
	return true;
}

static void move_cursor(struct top *top, long steps)
{
	const struct top_list *list = &top->list;
	size_t at = top_lines_find(list, top->cursor);
	long wanted = (long)at + steps, step = steps < 0 ? -1 : 1;

	wanted = wanted < 0			  ? 0 :
		 wanted >= (long)list->line_count ? (long)list->line_count - 1 :
						    wanted;
	/* A group is no process: the next one, else the last before it. */
	for (long i = wanted; i >= 0 && i < (long)list->line_count; i += step)
		if (list->lines[i].row) {
			top->cursor = list->lines[i].row;
			return;
		}
	for (long i = wanted; i >= 0 && i < (long)list->line_count; i -= step)
		if (list->lines[i].row) {
			top->cursor = list->lines[i].row;
			return;
		}
}

static void choose_at_cursor(struct top *top)
{
	struct top_list *list = &top->list;

	top_lines_arrange(list);
	for (size_t i = top_lines_find(list, top->cursor); i < list->line_count; i++)
		if (list->lines[i].row) {
			top_choose(top, list->lines[i].row);
			return;
		}
}

static bool press_overview(struct top *top, int key)
{
	struct top_list *list = &top->list;
	long steps;

	if (steps_of(top, key, &steps))
		move_cursor(top, steps);
	else if (key == '\n' || key == '\r' || key == KEY_ENTER)
		choose_at_cursor(top);
	else if (key == 's' || key == '>')
		list->sort = (list->sort + 1) % TOP_COLUMN_COUNT;
	else if (key == '<')
		list->sort = (list->sort + TOP_COLUMN_COUNT - 1) % TOP_COLUMN_COUNT;
	else if (key == 'r')
		list->is_reversed = !list->is_reversed;
	else if (key == 't')
		list->is_tree = !list->is_tree;
	else if (key == '/')
		top->is_filtering = true, list->filter[0] = '\0';
	else if (key == ESCAPE)
		list->filter[0] = '\0';
	else
		return false;
	return true;
}

/* Letters go into the word; what it means is seen at once. */
static void press_filter(struct top *top, int key)
{
	char *filter = top->list.filter;
	size_t length = strlen(filter);

	if (key == '\n' || key == '\r' || key == KEY_ENTER || key == ESCAPE) {
		top->is_filtering = false;
		if (key == ESCAPE)
			filter[0] = '\0';
	} else if ((key == KEY_BACKSPACE || key == DELETE || key == '\b') && length) {
		filter[length - 1] = '\0';
	} else if (key >= ' ' && key < DELETE && length + 1 < sizeof(top->list.filter)) {
		filter[length] = (char)key;
		filter[length + 1] = '\0';
	}
}

static void press_help(struct top *top, int key)
{
	long steps;

	if (steps_of(top, key, &steps)) {
		scroll_by(top, steps);
	} else {
		top->is_helping = false;
		top->scroll = 0;
	}
}

bool top_keys_press(struct top *top, int key)
{
	if (top->is_filtering) {
		press_filter(top, key);
		return true;
	}
	if (top->is_helping) {
		press_help(top, key);
		return true;
	}
	if (key == 'q')
		return false;
	if (top->is_overview ? press_overview(top, key) : press_process(top, key))
		return true;
	if (key == 'h' || key == '?')
		top->is_helping = true, top->scroll = 0;
	else if (key == '+' || key == '-')
		change_interval(top, key == '+' ? 2 : 0.5);
	else if (key == ' ')
		top_look(top);
	else if (key == CONTROL_L)
		clearok(stdscr, TRUE);
	return true;
}
