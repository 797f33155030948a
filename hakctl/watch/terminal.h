/* SPDX-License-Identifier: MIT */
/*
 * What terminfo says of the terminal. Apart from top_screen.c, for <term.h> takes ordinary words as
 * macros.
 */
#ifndef HAKCTL_TERMINAL_H
#define HAKCTL_TERMINAL_H

#include <stdbool.h>

/* Known, and its cursor can be placed; not so where TERM is dumb. */
bool terminal_has_cursor(void);

#endif
