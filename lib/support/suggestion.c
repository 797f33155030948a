/* SPDX-License-Identifier: MIT */
/*
 * suggestion.c - the nearest known word, by how many letters have to be changed, added or
 * left out (Levenshtein 1966).
 */
#include <config.h>

#include "support/suggestion.h"

#include <limits.h>
#include <string.h>

enum { LONGEST_WORD = 31 };

static unsigned smallest(unsigned a, unsigned b, unsigned c)
{
	unsigned least = a < b ? a : b;

	return least < c ? least : c;
}

/*
 * One row of the table of distances at a time: row[j] is the distance of the letters of
 * `from` seen so far to the first j letters of `to`.
 */
static unsigned distance_between(const char *from, const char *to)
{
	unsigned row[LONGEST_WORD + 1];
	size_t length = strlen(to);

	if (strlen(from) > LONGEST_WORD || length > LONGEST_WORD)
		return UINT_MAX;
	for (size_t j = 0; j <= length; j++)
		row[j] = (unsigned)j;
	for (size_t i = 0; from[i]; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i + 1;
		for (size_t j = 0; j < length; j++) {
			unsigned same = diagonal + (from[i] != to[j]);

			diagonal = row[j + 1];
			row[j + 1] = smallest(same, row[j] + 1, row[j + 1] + 1);
		}
	}
	return row[length];
}

struct suggestion suggestion_begin(const char *unknown, unsigned farthest)
{
	return (struct suggestion){ .unknown = unknown, .distance = farthest + 1 };
}

void suggestion_offer(struct suggestion *suggestion, const char *known)
{
	unsigned distance = distance_between(suggestion->unknown, known);

	/* A word of which nothing is left is not a misspelling of it. */
	if (distance >= suggestion->distance || distance >= strlen(known))
		return;
	suggestion->distance = distance;
	suggestion->word = known;
}
