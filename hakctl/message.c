/* SPDX-License-Identifier: MIT */
/* Messages on standard error; every verb uses them. */
#include <config.h>

#include "hakctl/message.h"

#include <stdarg.h>
#include <stdio.h>

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
