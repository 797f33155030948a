/* SPDX-License-Identifier: MIT */
/*
 * Sentences on standard output: on a terminal its lines end between words, elsewhere a text stays
 * one line. What has columns is a table's (table.h).
 */
#ifndef HAKCTL_OUTPUT_PARAGRAPH_H
#define HAKCTL_OUTPUT_PARAGRAPH_H

/*
 * Goes on from this column, lines behind the first begin at indent, and ends without a line's end.
 * The text may have the sequences of style.h in it. Returns the column where it ended.
 */
int paragraph_print(const char *text, int column, int indent);

/* The same from a format; a line of its own, which begins as far in as the others, and ends. */
__attribute__((format(printf, 2, 3))) void paragraph_line(int indent, const char *format, ...);

#endif
