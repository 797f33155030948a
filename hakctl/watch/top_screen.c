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
#include "hakctl/output/units.h"
#include "hakctl/watch/top.h"
#include "hakctl/watch/top_table.h"

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

void top_screen_add(const char *format, ...)
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

void top_screen_mark(bool is_on)
{
	if (is_on)
		attron(COLOR_PAIR(COLOUR_BAD) | A_BOLD);
	else
		attroff(COLOR_PAIR(COLOUR_BAD) | A_BOLD);
}

bool top_screen_is_tall(void)
{
	return LINES >= 20;
}

static void draw_heading(const struct top *top)
{
	const struct control_ledger *ledger = &top->look.ledger;

	attron(A_BOLD);
	top_screen_put(0, 0, "hakmem%s%s  pid %s", top->look.release[0] ? " " : "",
		 top->look.release, target_label(&top->chosen->target));
	attroff(A_BOLD);
	top_screen_add("  up %s  every %.3g s", units_duration(ledger->up_ns / 1000000000).text,
	       top->interval_s);
	top_screen_put(1, 0, "mode %s", ledger->mode[0] ? ledger->mode : "unknown");
	if (top->view != TOP_NODES && COLS >= 60)
		top_screen_put(1, COLS - 12 - (int)strlen(top_table_sort_name(top->sort)),
			       "sorted by %s%c", top_table_sort_name(top->sort),
			       top->is_reversed ? '^' : ' ');
	if (top->look.from_outside) {
		top_screen_mark(true);
		top_screen_put(1, 0, "it %s: as of %s ago    ", top->look.why_outside,
			 units_duration(look_age_ns(&top->look) / 1000000000).text);
		top_screen_mark(false);
	}
}

struct part {
	uint64_t bytes;
	enum colour colour;
	char letter;
};

/* Populated memory in one line: live # cached = free - stock + the rest . */
void top_screen_bar(const struct control_ledger *ledger, int line)
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

void top_screen_legend(int line)
{
	static const struct {
		enum colour colour;
		const char *text;
	} parts[] = {
		{ COLOUR_LIVE, "# live" },	   { COLOUR_CACHED, "= caches" },
		{ COLOUR_FREE, "- free in slabs" }, { COLOUR_STOCK, "+ stock" },
		{ COLOUR_OTHER, ". kept, metadata" },
	};
	int column = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		attron(COLOR_PAIR(parts[i].colour));
		top_screen_put(line, column, "%s", parts[i].text);
		attroff(COLOR_PAIR(parts[i].colour));
		column += (int)strlen(parts[i].text) + 2;
	}
}

/* RSS ▁▂▃ 213.4M  live ▁▁▂ 150.1M */
void top_screen_history(const struct history *rss, const struct history *live, int line)
{
	int room = (COLS - 30) / 2;

	if (room < 4 || !rss->count || !live->count)
		return;
	top_screen_put(line, 0, "RSS %s %s", history_draw(rss, room).text,
		       units_bytes(rss->values[(rss->count - 1) % HISTORY_MOST]).text);
	top_screen_put(line, COLS / 2, "live %s %s", history_draw(live, room).text,
		       units_bytes(live->values[(live->count - 1) % HISTORY_MOST]).text);
}

static void draw_term(int line, char sign, const char *label, bool is_sampled,
		      double bytes)
{
	top_screen_put(line, 0, "%c %s", sign, label);
	/* On a narrow screen the number has fewer places, and still its unit. */
	top_screen_put(line, COLS < LABEL_WIDTH + 15 ? LABEL_WIDTH - 1 : LABEL_WIDTH, "%s%*.1f MiB",
		       is_sampled ? text_sign("≈", "~") : " ", COLS < LABEL_WIDTH + 15 ? 7 : 9,
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
	char label[24];
	const struct rates *rates = &top->rates;
	struct control_class worst;

	draw_fact(line++, "process RSS", "%s",
		  units_mebibytes(top->chosen->target.process.rss_bytes).text);
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
	if (top_table_worst(top, &worst)) {
		snprintf(label, sizeof(label), "most lost, %" PRIu32, worst.size_bytes);
		draw_fact(line++, label, "%s",
			  units_bytes((uint64_t)top_table_lost_bytes(&worst)).text);
	}
	if (ledger->strays || ledger->refused) {
		attron(COLOR_PAIR(COLOUR_BAD) | A_BOLD);
		draw_fact(line++, "strays, refused", "%" PRIu64 ", %" PRIu64,
			  ledger->strays, ledger->refused);
		attroff(COLOR_PAIR(COLOUR_BAD) | A_BOLD);
	}
	return line;
}

static const char *keys_of(const struct top *top)
{
	if (top->is_filtering)
		return "a word, then Enter; Esc: all of them";
	if (top->is_helping)
		return "up down PgUp PgDn scroll   any other key: back";
	if (top->is_overview && COLS < 80)
		return "h help  q quit  Enter one  / filter  s sort  t tree";
	if (top->is_overview)
		return "Enter one process  / filter  t tree  s sort  r reverse  h help  q quit";
	if (COLS < 80)
		return "h help  q quit  o all  s sort  p purge  c classes  t threads  n nodes";
	return "c classes  t threads  n nodes  s sort  p purge  o all  h help  q quit";
}

/* Of keys that are two blanks apart those that fit as a whole. */
static int keys_within(const char *keys, int columns)
{
	int fits = 0;

	for (int i = 0; keys[i] && i <= columns; i++)
		if (!strncmp(keys + i, "  ", 2) || !keys[i + 1])
			fits = keys[i + 1] ? i : i + 1;
	return fits <= columns ? fits : columns;
}

static void draw_footer(const struct top *top)
{
	const char *keys = keys_of(top);

	if (top->is_filtering)
		top_screen_put(LINES - 2, 0, "/%s_", top->list.filter);
	else
		top_screen_put(LINES - 2, 0, "%.*s", COLS > 1 ? COLS - 1 : 1, top->status);
	attron(A_REVERSE);
	mvhline(LINES - 1, 0, ' ', COLS);
	top_screen_put(LINES - 1, 0, "%.*s", keys_within(keys, COLS - 1), keys);
	attroff(A_REVERSE);
}

static void draw_process(struct top *top)
{
	int left, right, line = 2;

	draw_heading(top);
	top_screen_bar(&top->look.ledger, line++);
	if (top_screen_is_tall())
		top_screen_legend(line++);
	if (top_screen_is_tall())
		top_screen_history(&top->chosen->rss, &top->chosen->live, line++);
	left = draw_ledger(&top->look.ledger, line);
	right = draw_facts(top, line);
	line = left > right ? left : right;
	top->page = LINES - 3 - line;
	top_table_draw(top, line, LINES - 2);
}

void top_screen_draw(struct top *top)
{
	erase();
	top->page = LINES - 2;
	if (top->is_helping)
		top_help_draw(top);
	else if (top->is_overview)
		top_overview_draw(top);
	else if (top->is_known)
		draw_process(top);
	else
		top_screen_put(0, 0, "%s", "nothing known of this process yet");
	draw_footer(top);
	refresh();
}
