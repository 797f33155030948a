/* SPDX-License-Identifier: MIT */
/* See top_table.h; top_screen.c calls it. */
#include <config.h>

#include "hakctl/watch/top_table.h"

#include <inttypes.h>
#include <ncurses.h>
#include <stdlib.h>

#include "hakctl/client/thread_ids.h"
#include "hakctl/output/units.h"

/* For the comparisons below. */
static enum top_sort sort_now;
static bool is_reversed_now;

const char *top_table_sort_name(enum top_sort sort)
{
	static const char *const names[] = { "live", "size",  "cached", "free",
					     "lost", "count", "used" };

	return names[sort];
}

static int compare_keys(double left, double right)
{
	int order = (left < right) - (left > right);

	return is_reversed_now ? -order : order;
}

double top_table_lost_bytes(const struct control_class *class)
{
	return (double)(class->cached + class->free + class->in_transit) * class->size_bytes;
}

bool top_table_worst(const struct top *top, struct control_class *worst)
{
	const struct control_class *rows = (const void *)top->look.classes.rows;

	*worst = (struct control_class){ .size_bytes = 0 };
	for (size_t i = 0; i < top->look.classes.count; i++)
		if (top_table_lost_bytes(&rows[i]) > top_table_lost_bytes(worst))
			*worst = rows[i];
	return worst->size_bytes;
}

static double class_key(const struct control_class *class)
{
	double room = (double)class->slabs * class->slab_capacity;

	switch (sort_now) {
	case TOP_BY_CACHED:
		return (double)class->cached * class->size_bytes;
	case TOP_BY_FREE:
		return (double)class->free * class->size_bytes;
	case TOP_BY_SIZE:
		return -(double)class->size_bytes;
	case TOP_BY_LOST:
		return top_table_lost_bytes(class);
	case TOP_BY_COUNT:
		return (double)class->live;
	case TOP_BY_USED:
		return room > 0 ? (double)class->live / room : 0;
	default:
		return (double)class->live * class->size_bytes;
	}
}

static int compare_classes(const void *left, const void *right)
{
	return compare_keys(class_key(left), class_key(right));
}

static double thread_key(const struct control_thread *thread)
{
	switch (sort_now) {
	case TOP_BY_CACHED:
		return (double)thread->cached_bytes;
	case TOP_BY_FREE:
		return (double)thread->free_bytes;
	case TOP_BY_SIZE:
		return (double)thread->slabs_bytes;
	case TOP_BY_LOST:
		return (double)(thread->cached_bytes + thread->free_bytes +
				thread->in_transit_bytes);
	case TOP_BY_COUNT:
		return (double)thread->remote_frees;
	case TOP_BY_USED:
		return thread->slabs_bytes ?
			       (double)thread->live_bytes / (double)thread->slabs_bytes :
			       0;
	default:
		return (double)thread->live_bytes;
	}
}

static int compare_threads(const void *left, const void *right)
{
	return compare_keys(thread_key(left), thread_key(right));
}

static void draw_title(int line, const char *title)
{
	attron(A_BOLD | A_UNDERLINE);
	mvhline(line, 0, ' ', COLS);
	top_screen_put(line, 0, "%.*s", COLS, title);
	attroff(A_BOLD | A_UNDERLINE);
}

/* is_worst: no other class keeps as much that is free. */
static void draw_class(int line, const struct control_class *class, bool is_worst)
{
	if (is_worst)
		top_screen_mark(true);
	top_screen_put(line, 0,
		 "%8u%s %8" PRIu64 " %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %10s %8s %8s%s",
		 class->size_bytes, class->alignment_only ? "a" : " ", class->slabs,
		 class->live, class->cached, class->free + class->in_transit,
		 units_bytes(class->live * class->size_bytes).text,
		 units_percent(class->live, class->slabs * class->slab_capacity).text,
		 units_bytes((uint64_t)top_table_lost_bytes(class)).text,
		 is_worst ? COLS > 90 ? " < most lost" : " <" : "");
	if (is_worst)
		top_screen_mark(false);
}

static void draw_thread(int line, const struct process *process,
			const struct control_thread *thread)
{
	static const char *const states[] = { "live", "idle", "frozen" };
	char name[32] = "";

	if (thread->thread)
		thread_ids_name(process, thread->thread, name);
	top_screen_put(line, 0, "%8u  %-6s %4u %8s %8s %8s %8s %8s %7s  %s",
		 thread->thread ? thread->thread : thread->number,
		 thread->state < 3 ? states[thread->state] : "?", thread->node,
		 units_bytes(thread->slabs_bytes).text,
		 units_bytes(thread->live_bytes).text,
		 units_bytes(thread->cached_bytes).text,
		 units_bytes(thread->free_bytes).text,
		 units_bytes(thread->in_transit_bytes).text,
		 units_count((double)thread->remote_frees).text, name);
}

static void draw_node(int line, const struct control_node *node)
{
	top_screen_put(line, 0, "%5u  %-6s %9s %9s %9s %9s %9s %9s", node->node,
		 node->helper ? "runs" : "none", units_bytes(node->opened_bytes).text,
		 units_bytes(node->slabs_bytes).text, units_bytes(node->live_bytes).text,
		 units_bytes(node->stock_bytes).text,
		 units_bytes(node->misplaced_bytes).text,
		 units_count((double)node->remote_frees).text);
}

static void clamp_scroll(struct top *top, size_t count, int first, int end)
{
	size_t room = end > first ? (size_t)(end - first) : 0;

	if (top->scroll + room > count)
		top->scroll = count > room ? count - room : 0;
}

static void draw_classes(struct top *top, int line, int end)
{
	struct control_class *rows = (void *)top->look.classes.rows;
	size_t used = 0;
	struct control_class worst = { .size_bytes = 0 };

	draw_title(
		line++,
		"    SIZE     SLABS      LIVE    CACHED      FREE LIVE BYTES     USED     LOST");
	for (size_t i = 0; i < top->look.classes.count; i++)
		if (rows[i].slabs)
			rows[used++] = rows[i];
	top->look.classes.count = used;
	top_table_worst(top, &worst);
	if (used)
		qsort(rows, used, sizeof(*rows), compare_classes);
	clamp_scroll(top, used, line, end);
	for (size_t i = top->scroll; i < used && line < end; i++)
		draw_class(line++, &rows[i],
			   rows[i].slabs && rows[i].size_bytes == worst.size_bytes);
}

static void draw_threads(struct top *top, int line, int end)
{
	struct control_thread *rows = (void *)top->look.threads.rows;

	draw_title(
		line++,
		"  THREAD  STATE  NODE    SLABS     LIVE   CACHED     FREE   COMING    SENT  NAME");
	if (top->look.threads.count)
		qsort(rows, top->look.threads.count, sizeof(*rows), compare_threads);
	clamp_scroll(top, top->look.threads.count, line, end);
	for (size_t i = top->scroll; i < top->look.threads.count && line < end; i++)
		draw_thread(line++, &top->chosen->target.process, &rows[i]);
}

static void draw_nodes(struct top *top, int line, int end)
{
	const struct control_node *rows = (const void *)top->look.nodes.rows;

	draw_title(
		line++,
		" NODE  HELPER    OPENED     SLABS      LIVE     STOCK MISPLACED    REMOTE");
	clamp_scroll(top, top->look.nodes.count, line, end);
	for (size_t i = top->scroll; i < top->look.nodes.count && line < end; i++)
		draw_node(line++, &rows[i]);
}

void top_table_draw(struct top *top, int first, int end)
{
	sort_now = top->sort;
	is_reversed_now = top->is_reversed;
	if (first + 1 >= end)
		return;
	if (top->view == TOP_CLASSES)
		draw_classes(top, first, end);
	else if (top->view == TOP_THREADS)
		draw_threads(top, first, end);
	else
		draw_nodes(top, first, end);
}
