/* SPDX-License-Identifier: MIT */
/* See terminal.h; top.c asks before it begins. */
#include <config.h>

#include "hakctl/watch/terminal.h"

#include <curses.h>
#include <stdint.h>
#include <term.h>
#include <unistd.h>

bool terminal_has_cursor(void)
{
	int known;

	if (setupterm(NULL, STDOUT_FILENO, &known) != OK || known != 1)
		return false;
	/* (char *)-1: not a capability that has a text. */
	return (intptr_t)tigetstr("cup") > 0;
}
