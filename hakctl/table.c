/* SPDX-License-Identifier: MIT */
/* Tables for people; see table.h. ps, stats, numa, list and others print with it. */
#include <config.h>

#include "hakctl/table.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "hakctl/message.h"
#include "hakctl/text.h"

enum { SPACE_BETWEEN = 2, MOST_COLUMNS = 24 };

struct table_cell {
	char *text;
	enum style style;
};

int table_text_width(const char *text)
{
	int width = 0;

	/* A byte 10xxxxxx continues a letter. */
	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

void table_begin(struct table *table, const struct table_column *columns, size_t count)
{
	*table = (struct table){ .columns = columns, .column_count = count };
}

void table_add(struct table *table, enum style style, const char *format, ...)
{
	struct table_cell cell = { .style = style };
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&cell.text, format, arguments) < 0)
		message_out_of_memory();
	va_end(arguments);
	text_fit(cell.text);
	if (table->cell_count == table->cell_room) {
		table->cell_room = table->cell_room ? 2 * table->cell_room : 64;
		table->cells =
			realloc(table->cells, table->cell_room * sizeof(*table->cells));
		if (!table->cells)
			message_out_of_memory();
	}
	table->cells[table->cell_count++] = cell;
}

static void measure(const struct table *table, int widths[MOST_COLUMNS])
{
	for (size_t column = 0; column < table->column_count; column++) {
		widths[column] = table_text_width(table->columns[column].title);
		for (size_t i = column; i < table->cell_count; i += table->column_count) {
			int width = table_text_width(table->cells[i].text);

			if (width > widths[column])
				widths[column] = width;
		}
	}
}

/* As many bytes of the text as fill this many columns. */
static int bytes_within(const char *text, int columns)
{
	int i;

	for (i = 0; text[i]; i++)
		if (((unsigned char)text[i] & 0xc0) != 0x80 && columns-- == 0)
			break;
	return i;
}

static void print_cell(const struct table *table, size_t column, int width, int room,
		       const char *text, enum style style)
{
	bool is_last = column + 1 == table->column_count;
	int padding = width - table_text_width(text);
	int bytes = bytes_within(text, is_last && room > 0 ? room : 1 << 20);

	if (table->columns[column].side == TABLE_RIGHT)
		printf("%*s", padding, "");
	printf("%s%.*s%s", style_begin(style), bytes, text, style_end(style));
	if (is_last)
		putchar('\n');
	else if (table->columns[column].side == TABLE_LEFT)
		printf("%*s", padding + SPACE_BETWEEN, "");
	else
		printf("%*s", SPACE_BETWEEN, "");
}

void table_print(struct table *table)
{
	int widths[MOST_COLUMNS];
	int room = style_columns();
	size_t column;

	measure(table, widths);
	for (column = 0; column + 1 < table->column_count && room; column++)
		room -= widths[column] + SPACE_BETWEEN;
	for (column = 0; column < table->column_count; column++)
		print_cell(table, column, widths[column], room,
			   table->columns[column].title, STYLE_TITLE);
	for (size_t i = 0; i < table->cell_count; i++) {
		column = i % table->column_count;
		print_cell(table, column, widths[column], room, table->cells[i].text,
			   table->cells[i].style);
		free(table->cells[i].text);
	}
	free(table->cells);
	*table = (struct table){ .columns = NULL };
}
