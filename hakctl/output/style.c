/* SPDX-License-Identifier: MIT */
/* What the terminal can show: its colours and its width. table.c and the verbs ask. */
#include <config.h>

#include "hakctl/output/style.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool style_is_refused(void)
{
	const char *refused = getenv("NO_COLOR");

	return refused && refused[0];
}

static bool has_colours(void)
{
	static int known = -1;
	const char *terminal = getenv("TERM");

	if (known < 0)
		known = isatty(STDOUT_FILENO) && !style_is_refused() && terminal &&
			strcmp(terminal, "dumb");
	return known;
}

const char *style_begin(enum style style)
{
	static const char *const sequences[] = {
		[STYLE_PLAIN] = "",	      [STYLE_TITLE] = "\033[1m",
		[STYLE_FAINT] = "\033[2m",    [STYLE_GOOD] = "\033[32m",
		[STYLE_WARNING] = "\033[33m", [STYLE_BAD] = "\033[1;31m",
	};

	return has_colours() ? sequences[style] : "";
}

const char *style_end(enum style style)
{
	return has_colours() && style != STYLE_PLAIN ? "\033[0m" : "";
}

int style_columns(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
		return size.ws_col;
	return 80;
}
