/* SPDX-License-Identifier: MIT */
/*
 * option_value.c - see option_value.h.
 */
#include <config.h>

#include "support/option_value.h"

#include <stdint.h>
#include <string.h>

#include "support/compiler.h"

#define MILLISECONDS_MOST	86400000

bool option_value_is(struct option_text text, const char *word)
{
	return strlen(word) == text.length && memcmp(text.start, word, text.length) == 0;
}

bool option_value_bool(struct option_text value, void *field)
{
	bool yes = option_value_is(value, "true") || option_value_is(value, "1") ||
		   option_value_is(value, "yes");

	if (!yes && !option_value_is(value, "false") && !option_value_is(value, "0") &&
	    !option_value_is(value, "no"))
		return false;
	*(bool *)field = yes;
	return true;
}

/* The binary logarithm of a unit such as k, K, KiB or KB; 64 if it is none. */
static unsigned unit_shift(struct option_text unit)
{
	static const char letters[] = "kmgt";
	const char *letter;

	if (unit.length == 0)
		return 0;
	letter = memchr(letters, unit.start[0] | 0x20, sizeof(letters) - 1);
	unit.start++;
	unit.length--;
	if (!letter ||
	    !(unit.length == 0 || option_value_is(unit, "B") || option_value_is(unit, "iB")))
		return 64;
	return 10 * (unsigned)(letter - letters + 1);
}

static bool parse_number(struct option_text value, size_t *number)
{
	size_t i;

	*number = 0;
	for (i = 0; i < value.length; i++)
		if (value.start[i] < '0' || value.start[i] > '9' ||
		    __builtin_mul_overflow(*number, 10, number) ||
		    __builtin_add_overflow(*number, (size_t)(value.start[i] - '0'), number))
			return false;
	return value.length > 0;
}

bool option_value_milliseconds(struct option_text value, void *field)
{
	size_t number;

	if (!parse_number(value, &number) || number > MILLISECONDS_MOST)
		return false;
	__atomic_store_n((size_t *)field, number, __ATOMIC_RELAXED);
	return true;
}

bool option_value_size(struct option_text value, void *field)
{
	size_t number, i;
	unsigned shift;

	for (i = 0; i < value.length && value.start[i] >= '0' && value.start[i] <= '9'; i++)
		;
	if (!parse_number((struct option_text){ value.start, i }, &number))
		return false;
	shift = unit_shift((struct option_text){ value.start + i, value.length - i });
	if (shift == 64 || number << shift >> shift != number)
		return false;
	__atomic_store_n((size_t *)field, number << shift, __ATOMIC_RELAXED);
	return true;
}

bool option_value_limit(struct option_text value, void *field)
{
	if (!option_value_is(value, "none"))
		return option_value_size(value, field);
	__atomic_store_n((size_t *)field, SIZE_MAX, __ATOMIC_RELAXED);
	return true;
}

bool option_value_word(struct option_text value, const char *words, void *field)
{
	unsigned i;

	for (i = 0;; i++) {
		size_t length = strcspn(words, "|");

		if (length == value.length && memcmp(words, value.start, length) == 0)
			break;
		if (!words[length])
			return false;
		words += length + 1;
	}
	__atomic_store_n((unsigned *)field, i, __ATOMIC_RELAXED);
	return true;
}
