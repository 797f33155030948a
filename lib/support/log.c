/* SPDX-License-Identifier: MIT */
/*
 * log.c - see log.h. It must work when the heap is broken, so it calls nothing but the
 * kernel, for writing, and abort(3).
 */
#include <config.h>

#include "support/log.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/system_call.h"
#include "support/thread_pointer.h"

#define MESSAGE_BYTES	512
#define KEPT_MOST	8

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

/* What the helper said and nobody has printed. */
static struct {
	_Atomic uintptr_t thread;	/* relaxed: a thread compares with itself only */
	_Atomic(_Atomic bool *) has_messages;
	struct {
		char text[MESSAGE_BYTES];
		size_t length;
	} kept[KEPT_MOST];
	_Atomic uint32_t written;	/* release by the helper; acquire by who prints */
	_Atomic uint32_t printed;	/* acq_rel: one thread prints each */
	_Atomic bool is_fatal;
} diverted SPARSE;

static bool is_diverted(void)
{
	return atomic_load_explicit(&diverted.thread, memory_order_relaxed) ==
	       (uintptr_t)thread_pointer_own();
}

/* Where the oldest is still to be printed the newest is lost: the first tells most. */
static void keep_message(const char *message, size_t length)
{
	uint32_t number = atomic_load_explicit(&diverted.written, memory_order_relaxed);
	_Atomic bool *has_messages =
		atomic_load_explicit(&diverted.has_messages, memory_order_relaxed);

	if (number - atomic_load_explicit(&diverted.printed, memory_order_acquire) == KEPT_MOST)
		return;
	__builtin_memcpy(diverted.kept[number % KEPT_MOST].text, message, length);
	diverted.kept[number % KEPT_MOST].length = length;
	/* release: pairs with the acquire in log_print_diverted */
	atomic_store_explicit(&diverted.written, number + 1, memory_order_release);
	atomic_store_explicit(has_messages, true, memory_order_release);
}

static void print(const char *next, size_t length)
{
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

static void log_write_message(const char *format, va_list arguments)
{
	static const char prefix[] = "hakmem: ";
	char message[MESSAGE_BYTES];
	size_t length = sizeof(prefix) - 1;

	__builtin_memcpy(message, prefix, length);
	length += log_format(message + length, sizeof(message) - length - 1, format, arguments);
	message[length++] = '\n';
	if (is_diverted())
		keep_message(message, length);
	else
		print(message, length);
}

void log_warning(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_write_message(format, arguments);
	va_end(arguments);
}

/* The helper ends with all of its threads, so that it does no more to a heap that is broken. */
static NORETURN void end_helper(void)
{
	atomic_store_explicit(&diverted.is_fatal, true, memory_order_release);
	for (;;)
		system_call(SYS_exit_group, 1);
}

/* acq_rel: who takes it calls it, and nobody does so again, a fault in it included. */
static _Atomic(void (*)(void)) last_words;

void log_set_last_words(void (*say)(void))
{
	atomic_store_explicit(&last_words, say, memory_order_release);
}

void log_fatal(const char *format, ...)
{
	va_list arguments;
	void (*say)(void);

	va_start(arguments, format);
	log_write_message(format, arguments);
	va_end(arguments);
	if (is_diverted())
		end_helper();
	say = atomic_exchange_explicit(&last_words, NULL, memory_order_acq_rel);
	if (say)
		say();
	abort();
}

void log_divert(uintptr_t thread, _Atomic bool *has_messages)
{
	atomic_store_explicit(&diverted.has_messages, has_messages, memory_order_relaxed);
	atomic_store_explicit(&diverted.thread, thread, memory_order_relaxed);
}

/* A message may be printed by two threads at once rather than by none. */
void log_print_diverted(void)
{
	uint32_t number = atomic_load_explicit(&diverted.printed, memory_order_relaxed);

	/* acquire: pairs with the release in keep_message */
	while (number != atomic_load_explicit(&diverted.written, memory_order_acquire)) {
		print(diverted.kept[number % KEPT_MOST].text,
		      diverted.kept[number % KEPT_MOST].length);
		if (atomic_compare_exchange_strong_explicit(&diverted.printed, &number, number + 1,
							    memory_order_acq_rel,
							    memory_order_relaxed))
			number++;
	}
	if (atomic_load_explicit(&diverted.is_fatal, memory_order_acquire))
		abort();
}
