/* SPDX-License-Identifier: MIT */
/* Messages on standard error; every verb uses them. */
#include <config.h>

#include "hakctl/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "hakctl/command.h"

void message_error(const char *format, ...)
{
	va_list arguments;

	fflush(stdout);
	fputs("hakctl: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

void message_out_of_memory(void)
{
	message_error("out of memory");
	exit(EXIT_REFUSED);
}
