/* SPDX-License-Identifier: MIT */
/* See paragraph.h; stats, map and doctor print sentences with it. */
#include <config.h>

#include "hakctl/output/paragraph.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hakctl/output/message.h"
#include "hakctl/output/style.h"

/* A sequence that sets colours takes no room; a byte 10xxxxxx continues a letter. */
static int width_of(const char *word, size_t bytes)
{
	int width = 0;

	for (size_t i = 0; i < bytes; i++) {
		if (word[i] == '\033')
			while (i < bytes && word[i] != 'm')
				i++;
		else
			width += ((unsigned char)word[i] & 0xc0) != 0x80;
	}
	return width;
}

int paragraph_print(const char *text, int column, int indent)
{
	int columns = style_columns();
	bool is_first = true;

	while (*text) {
		size_t blanks = strspn(text, " "), bytes = strcspn(text + blanks, " ");
		int width = width_of(text + blanks, bytes);

		/* A word that no line has room for goes on where it stands. */
		if (columns && column > indent && column + (int)blanks + width > columns) {
			printf("\n%*s", indent, "");
			column = indent;
		} else if (is_first || column > indent) {
			printf("%*s", (int)blanks, "");
			column += (int)blanks;
		}
		printf("%.*s", (int)bytes, text + blanks);
		column += width;
		text += blanks + bytes;
		is_first = false;
	}
	return column;
}

void paragraph_line(int indent, const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		message_out_of_memory();
	va_end(arguments);
	printf("%*s", indent, "");
	paragraph_print(text, indent, indent);
	putchar('\n');
	free(text);
}
