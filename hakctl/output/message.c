/* SPDX-License-Identifier: MIT */
/* Messages on standard error; every verb uses them. */
#include <config.h>

#include "hakctl/output/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "hakctl/command.h"
#include "hakctl/output/text.h"

void message_error(const char *format, ...)
{
	va_list arguments;
	char text[4096];

	fflush(stdout);
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	text_fit(text);
	fprintf(stderr, "hakctl: %s\n", text);
}

void message_out_of_memory(void)
{
	message_error("out of memory");
	exit(EXIT_REFUSED);
}
