/* SPDX-License-Identifier: MIT */
/* `hakctl top`: all processes or one, live and full screen; when it looks, and at what. */
#include <config.h>

#include "hakctl/watch/terminal.h"
#include "hakctl/watch/top.h"

#include <ncurses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hakctl/client/arguments.h"
#include "hakctl/client/option_table.h"
#include "hakctl/command.h"
#include "hakctl/output/message.h"
#include "hakctl/output/units.h"

#define FASTEST_S 0.1

/* Processes come and go; to find them all of /proc is read. */
#define SEARCH_S 3.0

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void forget(struct top *top)
{
	if (top->is_known)
		look_free(&top->look);
	top->is_known = false;
	top->rates = (struct rates){ .seconds = 0 };
}

/* Only for the table that is seen: each is work for the process. */
static void look_at_chosen(struct top *top)
{
	static const unsigned wanted[] = { LOOK_CLASSES, LOOK_THREADS, LOOK_NODES };
	struct top_row *row = top->chosen;
	struct failure failure;
	struct look look;

	if (!target_is_there(&row->target)) {
		row->is_gone = true;
		snprintf(top->status, sizeof(top->status),
			 "%s has ended; o chooses another process", target_label(&row->target));
		return;
	}
	if (!look_take(&row->target, wanted[top->view], &look, &failure)) {
		snprintf(top->status, sizeof(top->status), "%.199s", failure.text);
		return;
	}
	if (top->is_known && look.ledger.taken_ns > top->look.ledger.taken_ns)
		top->rates = rates_between(&top->look.ledger, &look.ledger);
	if (top->is_known)
		look_free(&top->look);
	top->look = look;
	top->is_known = true;
	history_add(&row->rss, row->target.process.rss_bytes);
	history_add(&row->live, look_live_bytes(&look.ledger));
}

void top_look(struct top *top)
{
	static double searched_s;

	if (!top->is_overview) {
		if (top->chosen)
			look_at_chosen(top);
		return;
	}
	if (!searched_s || now_s() - searched_s >= SEARCH_S) {
		top_list_search(&top->list, top->cursor);
		searched_s = now_s();
	}
	top_list_look(&top->list);
	if (top->cursor && top->cursor->is_gone)
		top->cursor = NULL;
}

void top_choose(struct top *top, struct top_row *row)
{
	forget(top);
	top->is_overview = !row;
	if (row)
		top->cursor = row;
	top->chosen = row;
	top->scroll = 0;
	top->status[0] = '\0';
	top_look(top);
}

static void run_screen(struct top *top)
{
	double next = now_s();
	bool goes_on = true;

	top_screen_begin();
	while (goes_on) {
		int key;

		if (now_s() >= next) {
			top_look(top);
			next = now_s() + top->interval_s;
		}
		top_screen_draw(top);
		timeout((int)((next - now_s()) * 1000) + 1);
		key = getch();
		if (key != ERR)
			goes_on = top_keys_press(top, key);
	}
	top_screen_end();
}

/* One process is shown at once, of several the list. */
static enum exit_code begin(struct top *top, char **words)
{
	struct target_list found = { .targets = NULL };
	enum exit_code code =
		arguments_take_targets("top", words, !words[0], ARGUMENTS_MANY, &found);
	size_t count = found.count;

	target_list_free(&found);
	if (code != EXIT_DONE)
		return code;
	top->list.words = words;
	top->is_overview = true;
	top_list_search(&top->list, NULL);
	if (count == 1)
		for (size_t i = 0; i < top->list.count; i++)
			if (words[0] || top->list.rows[i]->target.state != TARGET_SILENT)
				top->chosen = top->list.rows[i];
	top->cursor = top->chosen;
	top->is_overview = !top->chosen;
	return EXIT_DONE;
}

static int top_run(int argc, char **argv)
{
	static struct top top = { .interval_s = 1, .list.sort = TOP_RSS };
	const struct option_row rows[] = {
		{ "delay", 'd', .seconds = &top.interval_s, .least = FASTEST_S,
		  .expected = "seconds, 0.1 at least" },
		{ NULL },
	};
	enum exit_code code = option_table_take(argc, argv, rows, false);

	if (code != EXIT_DONE)
		return code;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		message_error(
			"top: wants a terminal; `hakctl stats -w 1` writes to files");
		return EXIT_REFUSED;
	}
	if (!terminal_has_cursor()) {
		message_error(
			"top: this terminal (TERM=%s) cannot place its cursor; `hakctl stats -w 1` "
			"writes lines",
			getenv("TERM") ? getenv("TERM") : "");
		return EXIT_REFUSED;
	}
	code = begin(&top, argv + optind);
	if (code != EXIT_DONE)
		return code;
	run_screen(&top);
	forget(&top);
	top_list_free(&top.list);
	return EXIT_DONE;
}

const struct command top_command = {
	.name = "top",
	.arguments = "[--delay SECONDS] [TARGET...]",
	.summary = "watch all processes or one, full screen",
	.help = "  -d, --delay SECONDS  between looks; 1 without it\n"
		"\n"
		"All:  Enter  one of them             /    only those with a word\n"
		"      t      as a tree of cgroups    s r  another column, the other way\n"
		"One:  c t n  classes, threads, nodes s r  another column, the other way\n"
		"      o      all of them             p    purge\n"
		"Both: + -    slower, faster          h q  help, quit\n"
		"\n"
		"Without a TARGET: all processes on hakmem, or the only one. LOST is free inside\n"
		"slabs and thread caches.\n",
	.run = top_run,
};
