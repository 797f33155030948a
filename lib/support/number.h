/* SPDX-License-Identifier: MIT */
/*
 * number.h - decimal numbers in what the kernel writes. Not strtol(3), which looks up the
 * locale of a thread of the C library's.
 */
#ifndef HAKMEM_SUPPORT_NUMBER_H
#define HAKMEM_SUPPORT_NUMBER_H

#include <stdint.h>

/* Digits, after blanks; 0 if there are none. end: NULL, or where what follows is told. */
static inline uint64_t number_read(const char *text, const char **end)
{
	uint64_t number = 0;

	while (*text == ' ' || *text == '\t')
		text++;
	for (; *text >= '0' && *text <= '9'; text++)
		number = number * 10 + (uint64_t)(*text - '0');
	if (end)
		*end = text;
	return number;
}

#endif
