/* SPDX-License-Identifier: MIT */
/*
 * A table on standard output: columns as wide as their widest cell, numbers to the right. Cells are
 * added in reading order. On a terminal names become shorter, some columns
 * are left out, and lines end at its edge: none wraps.
 */
#ifndef HAKCTL_OUTPUT_TABLE_H
#define HAKCTL_OUTPUT_TABLE_H

#include <stddef.h>

#include "hakctl/output/style.h"

/* Numbers stand right. TABLE_IF_ROOM: one that goes on a narrow terminal, the last such first. */
enum table_side { TABLE_LEFT, TABLE_RIGHT, TABLE_IF_ROOM };

struct table_column {
	const char *title;
	enum table_side side;
};

struct table {
	const struct table_column *columns;
	size_t column_count;
	struct table_cell *cells; /* cell_count of them, row by row */
	size_t cell_count, cell_room;
};

void table_begin(struct table *table, const struct table_column *columns, size_t count);
__attribute__((format(printf, 3, 4))) void
table_add(struct table *table, enum style style, const char *format, ...);
/* Prints titles and rows, and frees what the table holds. */
void table_print(struct table *table);

/* How many columns of a terminal a UTF-8 text takes; letters of one column each. */
int table_text_width(const char *text);
/* As many bytes of the text as fill this many columns. */
int table_bytes_within(const char *text, int columns);

#endif
