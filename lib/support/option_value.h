/* SPDX-License-Identifier: MIT */
/*
 * option_value.h - text to the value of an option. False: it is none, and the field is as it
 * was. Fields are stored relaxed: some options change while others read them.
 */
#ifndef HAKMEM_SUPPORT_OPTION_VALUE_H
#define HAKMEM_SUPPORT_OPTION_VALUE_H

#include <stdbool.h>
#include <stddef.h>

/* Not terminated. */
struct option_text {
	const char *start;
	size_t length;
};

bool option_value_is(struct option_text text, const char *word);

bool option_value_bool(struct option_text value, void *field);
/* size_t: "512M", or bytes. */
bool option_value_size(struct option_text value, void *field);
/* The same, and "none": SIZE_MAX. */
bool option_value_limit(struct option_text value, void *field);
/* size_t: a day at most. */
bool option_value_milliseconds(struct option_text value, void *field);
/* An enum, which counts from 0 in the order of words: "auto|never|always". */
bool option_value_word(struct option_text value, const char *words, void *field);

#endif
