/* SPDX-License-Identifier: MIT */
/* See failure.h; connection.c, target.c and the verbs fill one in. */
#include <config.h>

#include "hakctl/output/failure.h"

#include <stdarg.h>
#include <stdio.h>

#include "hakctl/output/text.h"

bool failure_set(struct failure *failure, enum exit_code code, const char *format, ...)
{
	va_list arguments;

	failure->code = code;
	failure->is_timeout = false;
	va_start(arguments, format);
	vsnprintf(failure->text, sizeof(failure->text), format, arguments);
	va_end(arguments);
	text_clean(failure->text);
	return false;
}
