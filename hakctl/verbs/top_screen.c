/* SPDX-License-Identifier: MIT */
/* See top.h; draws with ncurses, for 80 x 24 and anything larger or smaller. */
#include <config.h>

#include <inttypes.h>
#include <math.h>
#include <ncurses.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hakctl/client/ledger.h"
#include "hakctl/output/style.h"
#include "hakctl/output/table.h"
#include "hakctl/output/text.h"
#include "hakctl/verbs/top.h"
#include "hakctl/verbs/top_table.h"
#include "hakctl/output/units.h"

enum colour {
	COLOUR_LIVE = 1,
	COLOUR_CACHED,
	COLOUR_FREE,
	COLOUR_STOCK,
	COLOUR_OTHER,
	COLOUR_BAD
};

/* The column where the right half begins. */
enum { RIGHT_HALF = 47, LABEL_WIDTH = 28 };

static void put_text(int line, int column, const char *format, va_list arguments)
{
	char text[512];

	if (line < 0 || line >= LINES || column < 0 || column >= COLS)
		return;
	vsnprintf(text, sizeof(text), format, arguments);
	mvaddnstr(line, column, text, table_bytes_within(text, COLS - column));
}

void top_screen_put(int line, int column, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	put_text(line, column, format, arguments);
	va_end(arguments);
}

/* Behind what was put last, if that did not fill the line. */
__attribute__((format(printf, 1, 2))) static void add_behind(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (getcury(stdscr) == 0 && getcurx(stdscr) > 0)
		put_text(getcury(stdscr), getcurx(stdscr), format, arguments);
	va_end(arguments);
}

void top_screen_begin(void)
{
	/* The letters' locale, not that of numbers: they keep their point. */
	text_is_utf8();
	initscr();
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	set_escdelay(50);
	curs_set(0);
	if (!has_colors() || style_is_refused())
		return;
	start_color();
	use_default_colors();
	init_pair(COLOUR_LIVE, COLOR_GREEN, -1);
	init_pair(COLOUR_CACHED, COLOR_CYAN, -1);
	init_pair(COLOUR_FREE, COLOR_YELLOW, -1);
	init_pair(COLOUR_STOCK, COLOR_BLUE, -1);
	init_pair(COLOUR_OTHER, COLOR_MAGENTA, -1);
	init_pair(COLOUR_BAD, COLOR_RED, -1);
}

void top_screen_end(void)
{
	endwin();
}

static void draw_heading(const struct top *top)
{
	static const char *const sorts[] = { "live", "size", "cached", "free" };
	const struct target *target = &top->list.targets[top->chosen];
	const struct control_ledger *ledger = &top->look.ledger;

	attron(A_BOLD);
	top_screen_put(0, 0, "hakmem%s%s  pid %s", top->look.release[0] ? " " : "",
		 top->look.release, target_label(target));
	attroff(A_BOLD);
	add_behind("  up %s  every %.3g s", units_duration(ledger->up_ns / 1000000000).text,
	       top->interval_s);
	top_screen_put(1, 0, "mode %s", ledger->mode[0] ? ledger->mode : "unknown");
	if (top->view != TOP_NODES && COLS >= 60)
		top_screen_put(1, COLS - 17, "sorted by %6s", sorts[top->sort]);
	if (top->look.from_outside) {
		attron(COLOR_PAIR(COLOUR_BAD) | A_BOLD);
		top_screen_put(1, 0, "it %s: as of %s ago    ", top->look.why_outside,
			 units_duration(look_age_ns(&top->look) / 1000000000).text);
		attroff(COLOR_PAIR(COLOUR_BAD) | A_BOLD);
	}
}

struct part {
	uint64_t bytes;
	enum colour colour;
	char letter;
};

/* Populated memory in one line: live # cached = free - stock + the rest . */
static void draw_bar(const struct control_ledger *ledger, int line)
{
	const struct part parts[] = {
		{ look_live_bytes(ledger), COLOUR_LIVE, '#' },
		{ ledger->thread_caches_bytes, COLOUR_CACHED, '=' },
		{ ledger->slabs_free_bytes + ledger->slabs_untouched_bytes +
			  ledger->in_transit_bytes + ledger->slab_tails_bytes,
		  COLOUR_FREE, '-' },
		{ ledger->stock_bytes, COLOUR_STOCK, '+' },
		{ ledger->units_free_bytes + ledger->large_free_dirty_bytes +
			  ledger->queued_bytes + ledger->releasing_bytes +
			  ledger->metadata_bytes,
		  COLOUR_OTHER, '.' },
	};
	const int part_count = sizeof(parts) / sizeof(parts[0]);
	int width = COLS > 4 ? COLS - 2 : 2;
	double total = 0, before = 0;

	for (int i = 0; i < part_count; i++)
		total += (double)parts[i].bytes;
	mvaddch(line, 0, '[');
	for (int i = 0; i < part_count && total > 0; i++) {
		int from = (int)(before / total * width);

		before += (double)parts[i].bytes;
		attron(COLOR_PAIR(parts[i].colour));
		for (int x = from; x < (int)(before / total * width); x++)
			mvaddch(line, 1 + x, (chtype)parts[i].letter);
		attroff(COLOR_PAIR(parts[i].colour));
	}
	mvaddch(line, width + 1, ']');
}

static void draw_term(int line, char sign, const char *label, bool is_sampled,
		      double bytes)
{
	top_screen_put(line, 0, "%c %s", sign, label);
	top_screen_put(line, LABEL_WIDTH, "%s%9.1f MiB", is_sampled ? text_sign("≈", "~") : " ",
		 fabs(bytes) / (1024 * 1024));
}

static int draw_ledger(const struct control_ledger *ledger, int line)
{
	struct ledger_term terms[LEDGER_MOST_TERMS];
	size_t count = ledger_terms(ledger, terms);

	for (size_t i = 0; i < count; i++)
		if (terms[i].is_shown)
			draw_term(line++,
				  terms[i].bytes < 0 ? '-' :
				  i		     ? '+' :
						       ' ',
				  terms[i].label, terms[i].is_sampled,
				  (double)terms[i].bytes);
	attron(A_BOLD);
	draw_term(line++, '=', "populated", false, (double)ledger->populated_bytes);
	attroff(A_BOLD);
	return line;
}

__attribute__((format(printf, 3, 4))) static void draw_fact(int line, const char *label,
							    const char *format, ...)
{
	char value[64];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(value, sizeof(value), format, arguments);
	va_end(arguments);
	if (RIGHT_HALF + 20 >= COLS)
		return;
	top_screen_put(line, RIGHT_HALF, "%-19s", label);
	top_screen_put(line,
		 RIGHT_HALF + 20 +
			 (12 - table_text_width(value) > 0 ?
				  12 - table_text_width(value) :
				  0),
		 "%s", value);
}

static int draw_facts(const struct top *top, int line)
{
	const struct control_ledger *ledger = &top->look.ledger;
	const struct rates *rates = &top->rates;

	draw_fact(line++, "process RSS", "%s",
		  units_mebibytes(top->list.targets[top->chosen].process.rss_bytes).text);
	draw_fact(line++, "taken populated", "%s/s",
		  units_bytes((uint64_t)fmax(rates->ahead, 0)).text);
	draw_fact(line++, "taken plain", "%s/s",
		  units_bytes((uint64_t)fmax(rates->plain, 0)).text);
	draw_fact(line++, "given back", "%s/s",
		  units_bytes((uint64_t)fmax(rates->released, 0)).text);
	draw_fact(line++, "calls by threads", "%s/s",
		  units_count(fmax(rates->application_calls, 0)).text);
	draw_fact(line++, "calls by helpers", "%s/s",
		  units_count(fmax(rates->helper_calls, 0)).text);
	draw_fact(line++, "helper wakes", "%s/s",
		  units_count(fmax(rates->wakeups, 0)).text);
	draw_fact(line++, "helper lag", "%s",
		  units_nanoseconds(ledger->helper_lag_ns).text);
	draw_fact(line++, "stalls p99", "%s",
		  units_nanoseconds(ledger->wait_p99_ns).text);
	draw_fact(line++, "stalls max", "%s",
		  units_nanoseconds(ledger->wait_max_ns).text);
	if (ledger->strays || ledger->refused) {
		attron(COLOR_PAIR(COLOUR_BAD) | A_BOLD);
		draw_fact(line++, "strays, refused", "%" PRIu64 ", %" PRIu64,
			  ledger->strays, ledger->refused);
		attroff(COLOR_PAIR(COLOUR_BAD) | A_BOLD);
	}
	return line;
}

static void draw_list(const struct top *top, int line)
{
	attron(A_BOLD);
	top_screen_put(line++, 0, "%8s  %-16s %8s  %s", "PID", "COMMAND", "RSS", "");
	attroff(A_BOLD);
	for (size_t i = 0; i < top->list.count && line < LINES - 2; i++) {
		const struct target *target = &top->list.targets[i];

		if (i == top->cursor)
			attron(A_REVERSE);
		top_screen_put(line++, 0, "%8d  %-16.16s %8s  %.*s", (int)target->process.pid,
			 target->process.name,
			 units_bytes(target->process.rss_bytes).text,
			 COLS > 40 ? COLS - 40 : 0,
			 target->state == TARGET_STOPPED ? "stopped" : target->reason);
		attroff(A_REVERSE);
	}
}

static void draw_help(int line)
{
	static const char *const lines[] = {
		"c t n, Tab  size classes, threads, nodes",
		"s           sort by live bytes, size, cached, free",
		"up, down    scroll",
		"o           choose another process",
		"p           purge: have it give back its free memory",
		"+ -         slower, faster",
		"space       look now",
		"q           quit",
		"",
		"The bar: # live  = thread caches  - partly used slabs  + stock  . the rest",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		top_screen_put(line++, 2, "%s", lines[i]);
}

static void draw_footer(const struct top *top)
{
	const char *keys =
		top->is_choosing ?
			"up down choose   Enter take   Esc back" :
			"c classes  t threads  n nodes  s sort  p purge  o other "
			"process  h help  q quit";

	top_screen_put(LINES - 2, 0, "%.*s", COLS > 1 ? COLS - 1 : 1, top->status);
	attron(A_REVERSE);
	mvhline(LINES - 1, 0, ' ', COLS);
	top_screen_put(LINES - 1, 0, "%.*s", COLS > 1 ? COLS - 1 : 1, keys);
	attroff(A_REVERSE);
}

static void draw_process(struct top *top)
{
	int left, right, line;

	draw_heading(top);
	draw_bar(&top->look.ledger, 2);
	left = draw_ledger(&top->look.ledger, 3);
	right = draw_facts(top, 3);
	line = left > right ? left : right;
	if (top->is_helping)
		draw_help(line + 1);
	else
		top_table_draw(top, line, LINES - 2);
}

void top_screen_draw(struct top *top)
{
	erase();
	if (top->is_choosing)
		draw_list(top, 0);
	else if (top->is_known && top->chosen < top->list.count)
		draw_process(top);
	else
		top_screen_put(0, 0, "%s", "nothing known of this process yet");
	draw_footer(top);
	refresh();
}
