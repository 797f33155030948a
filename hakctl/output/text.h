/* SPDX-License-Identifier: MIT */
/*
 * Texts on their way to a terminal. What comes from other processes (names, paths, what a library
 * says) may hold escape sequences; what we say ourselves may hold letters that the locale has not.
 */
#ifndef HAKCTL_OUTPUT_TEXT_H
#define HAKCTL_OUTPUT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Control characters, and what is no UTF-8, become question marks. */
void text_clean(char *text);

/*
 * The same; where the locale is not UTF-8, signs that we use become ASCII, other letters question
 * marks.
 */
void text_fit(char *text);

/* One of our own signs, as the locale can show it: "≈" or "~". */
const char *text_sign(const char *sign, const char *ascii);

/* The length of a well-formed UTF-8 sequence; 0 for anything else. */
size_t text_sequence_length(const char *text);

/* The locale of the environment is taken at the first call. */
bool text_is_utf8(void);

#endif
