/* SPDX-License-Identifier: MIT */
/* See option_table.h; every verb with options has a table. */
#include <config.h>

#include "hakctl/client/option_table.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "hakctl/client/arguments.h"
#include "hakctl/output/message.h"
#include "hakctl/output/units.h"

enum { MOST_ROWS = 16 };

/* As getopt_long wants it: a letter is the number of its row + FIRST. */
enum { FIRST = 256 };

struct getopt_words {
	struct option names[MOST_ROWS + 1];
	char letters[2 + 2 * MOST_ROWS + 1];
};

static bool wants_value(const struct option_row *row)
{
	return row->text || row->bytes || row->seconds || row->count || row->word || row->call;
}

static void word_for_getopt(const struct option_row *rows, bool stops_at_word,
			    struct getopt_words *words)
{
	char *letter = words->letters;

	if (stops_at_word)
		*letter++ = '+';
	/* The messages are ours. */
	*letter++ = ':';
	for (int i = 0; rows[i].name && i < MOST_ROWS; i++) {
		int value = rows[i].may_lack_value ? optional_argument :
			    wants_value(&rows[i])  ? required_argument :
						     no_argument;

		words->names[i] = (struct option){ rows[i].name, value, NULL, FIRST + i };
		if (!rows[i].letter)
			continue;
		*letter++ = rows[i].letter;
		if (value == required_argument)
			*letter++ = ':';
	}
}

/* Of -xyz getopt says which letter, for which optind still stands at the word before. */
static enum exit_code complain(char **argv, int letter)
{
	bool is_letter = optopt && optopt < FIRST;
	char word[3] = { '-', (char)optopt, '\0' };

	message_error("%s: %s \"%s\"; `hakctl help %s` says more", argv[0],
		      letter == ':' ? "no value for" :
		      optopt >= FIRST ? "no value is wanted in" :
					"unknown option",
		      is_letter ? word : argv[optind - 1], argv[0]);
	return EXIT_USAGE;
}

static bool is_within(const struct option_row *row, double number)
{
	return number >= row->least && (row->most == 0 || number <= row->most);
}

static bool take_count(const char *value, unsigned long *count)
{
	char *end;

	*count = strtoul(value, &end, 10);
	return *value >= '0' && *value <= '9' && !*end;
}

static bool take_word(const struct option_row *row, const char *value)
{
	for (unsigned i = 0; row->words[i]; i++)
		if (*value && !strcmp(row->words[i], value)) {
			*row->word = i;
			return true;
		}
	return false;
}

static bool take_number(const struct option_row *row, const char *value)
{
	if (row->bytes)
		return (row->parse ? row->parse : units_parse_bytes)(value, row->bytes) &&
		       is_within(row, (double)*row->bytes);
	if (row->seconds)
		return units_parse_seconds(value, row->seconds) && is_within(row, *row->seconds);
	if (row->count)
		return take_count(value, row->count) && is_within(row, (double)*row->count);
	return take_word(row, value);
}

static enum exit_code take_row(const struct option_row *row, const char *verb, const char *value)
{
	char option[32] = "--";

	if (row->flag)
		*row->flag = true;
	if (row->set)
		*row->set |= row->bit;
	if (!wants_value(row))
		return EXIT_DONE;
	if (row->call)
		return row->call(value, row->into);
	if (row->text)
		*row->text = value;
	else if (!take_number(row, value))
		return arguments_bad_value(verb, strncat(option, row->name, sizeof(option) - 3),
					   value, row->expected);
	return EXIT_DONE;
}

static const struct option_row *row_of(const struct option_row *rows, int letter)
{
	if (letter >= FIRST)
		return &rows[letter - FIRST];
	while (rows->letter != letter)
		rows++;
	return rows;
}

enum exit_code option_table_take(int argc, char **argv, const struct option_row *rows,
				 bool stops_at_word)
{
	struct getopt_words words = { .letters = "" };
	enum exit_code code = EXIT_DONE;
	int letter;

	word_for_getopt(rows, stops_at_word, &words);
	while (code == EXIT_DONE &&
	       (letter = getopt_long(argc, argv, words.letters, words.names, NULL)) != -1)
		code = letter == '?' || letter == ':' ?
			       complain(argv, letter) :
			       take_row(row_of(rows, letter), argv[0], optarg);
	return code;
}

bool option_table_parse_limit(const char *value, uint64_t *bytes)
{
	if (strcmp(value, "none"))
		return units_parse_bytes(value, bytes);
	*bytes = UINT64_MAX;
	return true;
}
