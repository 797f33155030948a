/* SPDX-License-Identifier: MIT */
/*
 * See top.h: the help of `hakctl top`, broken into the lines that the terminal has, and scrolled.
 */
#include <config.h>

#include <ncurses.h>
#include <string.h>

#include "hakctl/output/text.h"
#include "hakctl/watch/top.h"

enum { KEY_COLUMNS = 12 };

/* clang-format off: a key a line */
static const struct {
	const char *keys, *text;
} entries[] = {
	{ "up, down", "one line; PgUp, PgDn a page, Home, End all the way" },
	{ "Enter", "the process under the cursor; o or Esc: back to all of them" },
	{ "/",
	  "only the processes with a word in their command line, name, user or cgroup; Esc: all again" },
	{ "t", "all processes: as a tree of their cgroups, with sums" },
	{ "c t n, Tab", "one process: its size classes, threads, nodes" },
	{ "s, < >", "the next column, or the one before, to sort by; r: the other way round" },
	{ "p", "one process: have it give back its free memory" },
	{ "+ -", "slower, faster; space: look now" },
	{ "q", "quit" },
	{ "", "" },
	{ "The bar",
	  "what is populated: # live, = thread caches, - free in partly used slabs, + stock, . the rest" },
	{ "LOST",
	  "free in partly used slabs and in thread caches: the process keeps it. The class that has most of it is marked with <" },
	{ "LIVE/s",
	  "by how much more, or less, the program holds; BACK/s: what goes back to the kernel; CALLS/s: memory system calls by the program's threads" },
	{ "History", "as many looks as there is room for, from the lowest of them to the highest" },
	{ "~",
	  "is sampled, all else counted; in red: it cannot be asked, or asks to be looked at" },
};
/* clang-format on */

/* The bytes of text that fit into so many columns, to the end of a word. */
static size_t fitting(const char *text, int columns)
{
	size_t room = columns > 8 ? (size_t)columns : 8, length = strlen(text);

	if (length <= room)
		return length;
	for (size_t i = room; i > 0; i--)
		if (text[i] == ' ')
			return i;
	return room;
}

static void put(const struct top *top, size_t number, int column, const char *text, size_t bytes)
{
	if (number >= top->scroll && number - top->scroll < (size_t)top->page)
		top_screen_put((int)(number - top->scroll), column, "%.*s", (int)bytes, text);
}

static size_t put_all(const struct top *top)
{
	size_t number = 0;

	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		const char *text = entries[i].text, *keys = entries[i].keys;

		if (!strcmp(keys, "~"))
			keys = text_sign("≈", "~");
		attron(A_BOLD);
		put(top, number, 0, keys, strlen(keys));
		attroff(A_BOLD);
		do {
			size_t bytes = fitting(text, COLS - KEY_COLUMNS);

			put(top, number++, KEY_COLUMNS, text, bytes);
			text += bytes + (text[bytes] == ' ');
		} while (*text);
	}
	return number;
}

void top_help_draw(struct top *top)
{
	size_t count = put_all(top), room = (size_t)top->page;

	if (top->scroll + room <= count || !top->scroll)
		return;
	/* Past the end: once more, from where it ends. */
	top->scroll = count > room ? count - room : 0;
	erase();
	put_all(top);
}
