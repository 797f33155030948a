/* SPDX-License-Identifier: MIT */
/*
 * log.h - messages on standard error, without stdio and without memory.
 *
 * Formats: %s %u (unsigned) %zu (size_t) %p (0x and lower-case hexadecimal digits) %%.
 * A message is at most 512 bytes and is one write(2); "hakmem: " goes before it and a
 * newline after it. errno is kept.
 *
 * Who may run with whom: anyone with anyone; log_divert the helper, before it says anything.
 */
#ifndef HAKMEM_SUPPORT_LOG_H
#define HAKMEM_SUPPORT_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "support/compiler.h"

/* Fills text (bytes long, always terminated); returns the length written. */
size_t log_format(char *text, size_t bytes, const char *format, va_list arguments);

size_t log_format_text(char *text, size_t bytes, const char *format, ...) PRINTF(3, 4);

void log_warning(const char *format, ...) PRINTF(1, 2);

/* For misuse and corruption: the message, then abort(). */
void log_fatal(const char *format, ...) PRINTF(1, 2) NORETURN;

/*
 * What is called behind a fatal message, once; it may use log_warning. Not for what the helper
 * says.
 */
void log_set_last_words(void (*say)(void));

/*
 * The helper, which has no standard error: what it says is kept until a thread of the program
 * prints it. thread: its thread_identity(). A fatal message ends the helper at once, and the
 * program when it is printed. has_messages is set when there is something to print.
 */
void log_divert(uintptr_t thread, _Atomic bool *has_messages);

/* By a thread of the program. */
void log_print_diverted(void);

#endif
