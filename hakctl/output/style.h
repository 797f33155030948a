/* SPDX-License-Identifier: MIT */
/* Colours, on a terminal only; never where NO_COLOR is set or the output is a file. */
#ifndef HAKCTL_OUTPUT_STYLE_H
#define HAKCTL_OUTPUT_STYLE_H

#include <stdbool.h>

enum style {
	STYLE_PLAIN,
	STYLE_TITLE,
	STYLE_FAINT,
	STYLE_GOOD,
	STYLE_WARNING,
	STYLE_BAD
};

/* What to print before and after a text; "" where there are no colours. */
const char *style_begin(enum style style);
const char *style_end(enum style style);

/* NO_COLOR is set. */
bool style_is_refused(void);

/* Columns of the terminal on standard output; 0: it is not one, and nothing is cut. */
int style_columns(void);

#endif
