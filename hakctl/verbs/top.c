/* SPDX-License-Identifier: MIT */
/* `hakctl top`: a process, live and full screen; looks, keys, and what they do. */
#include <config.h>

#include "hakctl/verbs/top.h"

#include <ncurses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hakctl/client/arguments.h"
#include "hakctl/command.h"
#include "hakctl/output/message.h"
#include "hakctl/output/units.h"

#define FASTEST_S 0.1
#define SLOWEST_S 60.0
#define CONTROL_L 12

static struct target *chosen(struct top *top)
{
	return top->chosen < top->list.count ? &top->list.targets[top->chosen] : NULL;
}

static void forget(struct top *top)
{
	if (top->is_known)
		look_free(&top->look);
	top->is_known = top->has_before = false;
	top->rates = (struct rates){ .seconds = 0 };
}

/* A target that has been stopped since, or goes on again, is asked in another way. */
static bool refresh_target(struct target *target)
{
	struct process now;

	if (target->process.state == '?')
		return true;
	if (!process_read(&now, target->process.pid) || process_is_dead(&now) ||
	    now.start_time != target->process.start_time)
		return false;
	target->process = now;
	if (target->state != TARGET_SILENT)
		target->state = process_is_stopped(&now) ? TARGET_STOPPED : TARGET_READY;
	return true;
}

static void look_again(struct top *top)
{
	struct target *target = chosen(top);
	struct failure failure;
	struct look look;

	if (!target)
		return;
	if (!refresh_target(target)) {
		snprintf(top->status, sizeof(top->status),
			 "%s has ended; o chooses another process", target_label(target));
		return;
	}
	if (!look_take(target, LOOK_CLASSES | LOOK_THREADS | LOOK_NODES, &look,
		       &failure)) {
		snprintf(top->status, sizeof(top->status), "%.199s", failure.text);
		return;
	}
	if (top->is_known) {
		top->before = top->look.ledger;
		top->has_before = true;
		look_free(&top->look);
	}
	top->look = look;
	top->is_known = true;
	if (top->has_before && look.ledger.taken_ns > top->before.taken_ns)
		top->rates = rates_between(&top->before, &look.ledger);
}

/* What is left then goes on; keys should not wait for long. */
#define PURGE_MS 500

static void purge(struct top *top)
{
	struct control_purge request = { .flags = CONTROL_PURGE_CACHES | CONTROL_PURGE_WAIT,
					 .timeout_ms = PURGE_MS };
	struct target *target = chosen(top);
	struct control_purged purged;
	struct connection connection;
	struct failure failure;

	if (!target)
		return;
	if (!target_connect(target, &connection, &failure)) {
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

static void begin_choosing(struct top *top)
{
	pid_t pid = chosen(top) ? chosen(top)->process.pid : 0;
	struct target_list list = { .targets = NULL };

	target_list_all(&list);
	if (!list.count) {
		snprintf(top->status, sizeof(top->status), "no process on hakmem");
		return;
	}
	target_list_free(&top->list);
	top->list = list;
	top->chosen = list.count;
	for (size_t i = 0; i < list.count; i++)
		if (list.targets[i].process.pid == pid)
			top->chosen = i;
	top->cursor = top->chosen < list.count ? top->chosen : 0;
	top->is_choosing = true;
}

static void end_choosing(struct top *top, bool take)
{
	top->is_choosing = false;
	if (!take || top->cursor == top->chosen)
		return;
	forget(top);
	top->chosen = top->cursor;
	top->scroll = 0;
	top->status[0] = '\0';
	look_again(top);
}

static void choose_by_key(struct top *top, int key)
{
	if (key == KEY_UP && top->cursor > 0)
		top->cursor--;
	else if (key == KEY_DOWN && top->cursor + 1 < top->list.count)
		top->cursor++;
	else if (key == '\n' || key == '\r' || key == KEY_ENTER)
		end_choosing(top, true);
	else if (key == 27 || key == 'o' || key == 'q')
		end_choosing(top, false);
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
}

/* Keys that change what is shown; false: it is another one. */
static bool press_view(struct top *top, int key)
{
	if (key == 'c')
		show(top, TOP_CLASSES);
	else if (key == 't')
		show(top, TOP_THREADS);
	else if (key == 'n')
		show(top, TOP_NODES);
	else if (key == '\t')
		show(top, (top->view + 1) % TOP_VIEW_COUNT);
	else if (key == 's')
		top->sort = (top->sort + 1) % TOP_SORT_COUNT;
	else if (key == 'h' || key == '?')
		top->is_helping = true;
	else if (key == KEY_UP)
		top->scroll -= top->scroll > 0;
	else if (key == KEY_DOWN)
		top->scroll++;
	else
		return false;
	return true;
}

/* False: the end. */
static bool press(struct top *top, int key)
{
	if (top->is_choosing) {
		choose_by_key(top, key);
		return true;
	}
	if (key == 'q')
		return false;
	if (top->is_helping)
		top->is_helping = false;
	else if (press_view(top, key))
		return true;
	else if (key == 'p')
		purge(top);
	else if (key == 'o')
		begin_choosing(top);
	else if (key == '+' || key == '-')
		change_interval(top, key == '+' ? 2 : 0.5);
	else if (key == ' ')
		look_again(top);
	else if (key == CONTROL_L)
		clearok(stdscr, TRUE);
	return true;
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void run_screen(struct top *top)
{
	double next = now_s();
	bool goes_on = true;

	top_screen_begin();
	while (goes_on) {
		int key;

		if (now_s() >= next) {
			look_again(top);
			next = now_s() + top->interval_s;
		}
		top_screen_draw(top);
		timeout((int)((next - now_s()) * 1000) + 1);
		key = getch();
		if (key != ERR)
			goes_on = press(top, key);
	}
	top_screen_end();
}

/* Without a word: of the processes that can be asked, the largest. */
static enum exit_code choose_first(struct top *top, char **words)
{
	enum exit_code code = arguments_take_targets("top", words, !words[0],
						     ARGUMENTS_MANY, &top->list);

	for (size_t i = 1; code == EXIT_DONE && i < top->list.count; i++)
		if (top->list.targets[i].process.rss_bytes >
		    top->list.targets[top->chosen].process.rss_bytes)
			top->chosen = i;
	return code;
}

static int top_run(int argc, char **argv)
{
	static const struct option known[] = {
		{ "delay", required_argument, NULL, 'd' },
		{ NULL, 0, NULL, 0 },
	};
	struct top top = { .interval_s = 1 };
	enum exit_code code;
	int letter;

	while ((letter = arguments_next(argc, argv, ":d:", known)) != -1) {
		if (letter == '?')
			return EXIT_USAGE;
		if (!units_parse_seconds(optarg, &top.interval_s) ||
		    top.interval_s < FASTEST_S)
			return arguments_bad_value("top", "--delay", optarg,
						   "seconds, 0.1 at least");
	}
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		message_error(
			"top: wants a terminal; `hakctl stats -w 1` writes to files");
		return EXIT_REFUSED;
	}
	code = choose_first(&top, argv + optind);
	if (code != EXIT_DONE)
		return code;
	run_screen(&top);
	forget(&top);
	target_list_free(&top.list);
	return EXIT_DONE;
}

const struct command top_command = {
	.name = "top",
	.arguments = "[--delay SECONDS] [TARGET...]",
	.summary = "watch a process, full screen",
	.help = "  -d, --delay SECONDS  between looks; 1 without it\n"
		"\n"
		"Keys: c t n or Tab  size classes, threads, nodes     s  change the sort\n"
		"      up down       scroll                           p  purge\n"
		"      o             choose another process           + -  slower, faster\n"
		"      h             help                             q  quit\n"
		"\n"
		"Without a TARGET: the largest process that can be asked.\n",
	.run = top_run,
};
