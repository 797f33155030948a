/* SPDX-License-Identifier: MIT */
/*
 * log.c - see log.h. It must work when the heap is broken, so it calls nothing but the
 * kernel, for writing, and abort(3).
 */
#include <config.h>

#include "support/log.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/system_call.h"

#define MESSAGE_BYTES	512

struct text {
	char *next;
	char *end;	/* the place of the terminator: never written past */
};

static void put_char(struct text *text, char c)
{
	if (text->next < text->end)
		*text->next++ = c;
}

static void put_string(struct text *text, const char *string)
{
	while (*string)
		put_char(text, *string++);
}

static void put_number(struct text *text, uintmax_t value, unsigned base)
{
	char digits[sizeof(value) * 8];
	unsigned count = 0;

	do {
		digits[count++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	while (count)
		put_char(text, digits[--count]);
}

size_t log_format(char *buffer, size_t bytes, const char *format, va_list arguments)
{
	struct text text = { buffer, buffer + bytes - 1 };

	for (; *format; format++) {
		if (*format != '%') {
			put_char(&text, *format);
			continue;
		}
		switch (*++format) {
		case 's':
			put_string(&text, va_arg(arguments, const char *));
			break;
		case 'u':
			put_number(&text, va_arg(arguments, unsigned), 10);
			break;
		case 'z':
			format++;
			put_number(&text, va_arg(arguments, size_t), 10);
			break;
		case 'p':
			put_string(&text, "0x");
			put_number(&text, (uintptr_t)va_arg(arguments, void *), 16);
			break;
		case '\0':
			format--;	/* a lone % at the end */
			break;
		default:
			put_char(&text, *format);
		}
	}
	*text.next = '\0';
	return (size_t)(text.next - buffer);
}

size_t log_format_text(char *text, size_t bytes, const char *format, ...)
{
	va_list arguments;
	size_t length;

	va_start(arguments, format);
	length = log_format(text, bytes, format, arguments);
	va_end(arguments);
	return length;
}

static void write_message(const char *format, va_list arguments)
{
	static const char prefix[] = "hakmem: ";
	char message[MESSAGE_BYTES];
	size_t length = sizeof(prefix) - 1;
	const char *next = message;

	__builtin_memcpy(message, prefix, length);
	length += log_format(message + length, sizeof(message) - length - 1, format, arguments);
	message[length++] = '\n';
	while (length) {
		long written = system_call(SYS_write, STDERR_FILENO, next, length);

		if (written == -EINTR)
			continue;
		if (written <= 0)
			break;
		next += written;
		length -= (size_t)written;
	}
}

void log_warning(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_message(format, arguments);
	va_end(arguments);
}

void log_fatal(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_message(format, arguments);
	va_end(arguments);
	abort();
}
