/* SPDX-License-Identifier: MIT */
/*
 * The options of a verb, as one table: a row says an option's names, what its value may be, and
 * where it goes. Complaints are worded in one place.
 */
#ifndef HAKCTL_CLIENT_OPTION_TABLE_H
#define HAKCTL_CLIENT_OPTION_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "hakctl/command.h"

/* Wherever a row points to, something is written once the option is met. */
struct option_row {
	const char *name; /* behind "--" */
	char letter;	  /* behind "-"; 0: none */
	/* Without a value. */
	bool *flag;    /* becomes true */
	uint32_t *set; /* gets the bit, also beside a value */
	uint32_t bit;
	/* With a value, which is taken by the first of these that there is. */
	const char **text;
	uint64_t *bytes;
	double *seconds;
	unsigned long *count;
	unsigned *word; /* the number of one of words */
	const char *const *words; /* NULL behind the last */
	enum exit_code (*call)(const char *value, void *into); /* complains itself */
	void *into;
	/* What bytes, seconds and count may be, and how that is said. */
	double least, most; /* most 0: no bound */
	bool (*parse)(const char *value, uint64_t *bytes); /* NULL: sizes */
	const char *expected;
	bool may_lack_value; /* the text stays as it is, unless = stands before a value */
};

/*
 * Takes the options of a command line; a row without a name ends the table. optind is behind them.
 * stops_at_word: what follows the first word is not ours. EXIT_USAGE: after a message.
 */
enum exit_code option_table_take(int argc, char **argv, const struct option_row *rows,
				 bool stops_at_word);

/* For sizes that may also be "none", which is UINT64_MAX. */
bool option_table_parse_limit(const char *value, uint64_t *bytes);

#endif
