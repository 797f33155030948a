/* SPDX-License-Identifier: MIT */
/* Tables for people; see table.h. ps, stats, numa, list and others print with it. */
#include <config.h>

#include "hakctl/output/table.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "hakctl/output/message.h"
#include "hakctl/output/text.h"

/*
 * The last column is cut at the edge of a terminal, but gets so much if names can be shorter, or
 * others left out.
 */
enum { SPACE_BETWEEN = 2, MOST_COLUMNS = 24, NAME_LEAST = 12, LAST_LEAST = 20 };

/* Instead of a width. */
enum { LEFT_OUT = -1 };

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

int table_bytes_within(const char *text, int columns)
{
	int i;

	for (i = 0; text[i]; i++)
		if (((unsigned char)text[i] & 0xc0) != 0x80 && columns-- == 0)
			break;
	return i;
}

/* left: columns that the line has yet; below 0: it is no terminal, and nothing is cut. */
static void print_padded(const char *text, int width, bool is_right, enum style style, int *left)
{
	int own = table_text_width(text), padding = width > own ? width - own : 0;
	int shown = own < width || !width ? own : width;

	/* A number that is cut would be another one. */
	if (is_right && *left >= 0 && shown + padding > *left) {
		*left = 0;
		return;
	}
	if (*left >= 0 && shown + padding > *left) {
		padding = padding < *left ? padding : *left;
		shown = *left - padding < shown ? *left - padding : shown;
	}
	printf("%*s%s%.*s%s%*s", is_right ? padding : 0, "", style_begin(style),
	       table_bytes_within(text, shown), text, style_end(style), is_right ? 0 : padding, "");
	if (*left >= 0)
		*left -= shown + padding;
}

static void print_cell(const struct table *table, size_t column, int width, int *left,
		       const char *text, enum style style)
{
	bool is_right = table->columns[column].side != TABLE_LEFT;

	if (column)
		print_padded("", SPACE_BETWEEN, false, STYLE_PLAIN, left);
	/* Behind the last one nothing has to be lined up. */
	if (column + 1 == table->column_count && !is_right)
		width = 0;
	print_padded(text, width, is_right, style, left);
	if (column + 1 == table->column_count)
		putchar('\n');
}

/* What all need, if the last one gets no more than it has to. */
static int width_of_all(const struct table *table, const int widths[MOST_COLUMNS])
{
	size_t last = table->column_count - 1;
	int sum = widths[last] < LAST_LEAST || table->columns[last].side != TABLE_LEFT ?
			  widths[last] :
			  LAST_LEAST;

	for (size_t i = 0; i < last; i++)
		sum += widths[i] == LEFT_OUT ? 0 : widths[i] + SPACE_BETWEEN;
	return sum;
}

static void shorten_names(const struct table *table, int widths[MOST_COLUMNS], int columns)
{
	while (width_of_all(table, widths) > columns) {
		size_t widest = MOST_COLUMNS;

		for (size_t i = 0; i + 1 < table->column_count; i++)
			if (table->columns[i].side == TABLE_LEFT && widths[i] > NAME_LEAST &&
			    (widest == MOST_COLUMNS || widths[i] > widths[widest]))
				widest = i;
		if (widest == MOST_COLUMNS)
			return;
		widths[widest]--;
	}
}

/* Names become shorter before numbers are lost at the edge. */
static void fit(const struct table *table, int widths[MOST_COLUMNS], int columns)
{
	shorten_names(table, widths, columns);
	for (size_t i = table->column_count - 1; i-- > 0;)
		if (table->columns[i].side == TABLE_IF_ROOM &&
		    width_of_all(table, widths) > columns)
			widths[i] = LEFT_OUT;
}

static void print_row(const struct table *table, const int widths[MOST_COLUMNS], int columns,
		      const struct table_cell *cells)
{
	int left = columns ? columns : -1;

	for (size_t column = 0; column < table->column_count; column++)
		if (widths[column] != LEFT_OUT)
			print_cell(table, column, widths[column], &left,
				   cells ? cells[column].text : table->columns[column].title,
				   cells ? cells[column].style : STYLE_TITLE);
}

void table_print(struct table *table)
{
	int widths[MOST_COLUMNS];
	int columns = style_columns();

	measure(table, widths);
	if (columns)
		fit(table, widths, columns);
	print_row(table, widths, columns, NULL);
	for (size_t i = 0; i < table->cell_count; i += table->column_count)
		print_row(table, widths, columns, &table->cells[i]);
	for (size_t i = 0; i < table->cell_count; i++)
		free(table->cells[i].text);
	free(table->cells);
	*table = (struct table){ .columns = NULL };
}
