/* SPDX-License-Identifier: MIT */
/*
 * mallctl.c - see mallctl.h: from a name, or its short form, to a row of the table, and from
 * there to a value of the size that the caller's has. Called by jemalloc/override_jemalloc.c.
 */
#include <config.h>

#include "jemalloc/mallctl.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "jemalloc/mallctl_rows.h"
#include "support/compiler.h"

static size_t word_length(const char *name)
{
	return strcspn(name, ".");
}

static bool is_number_row(const char *row)
{
	return *row == '#';
}

/* A decimal number as long as length; false: it is none. */
static bool mallctl_read_number(const char *text, size_t length, size_t *number)
{
	size_t i;

	*number = 0;
	for (i = 0; i < length && text[i] >= '0' && text[i] <= '9'; i++)
		*number = *number * 10 + (size_t)(text[i] - '0');
	return length && length < 10 && i == length;
}

/*
 * Word by word; true: all that the name has is as the row begins. *words: how many; numbers: those
 * words that are one, in the places of the short form.
 */
static bool is_begin_of(const char *name, const char *row, size_t *numbers, size_t *words)
{
	for (*words = 0; *words < MALLCTL_WORDS; row++, name++) {
		size_t length = word_length(name), of_row = word_length(row);

		if (is_number_row(row) ? !mallctl_read_number(name, length, &numbers[*words]) :
					 length != of_row || memcmp(name, row, length) != 0)
			return false;
		++*words;
		name += length;
		row += of_row;
		if (!*name)
			return true;
		if (!*row)
			return false;
	}
	return false;
}

static size_t words_of_row(const char *row)
{
	size_t words = 1;

	for (; *row; row++)
		words += *row == '.';
	return words;
}

/* The first row that begins with as many words of this one. */
static size_t first_alike(size_t index, size_t words)
{
	const char *row = mallctl_rows[index].name, *end = row;
	size_t length, first;

	while (words--)
		end += word_length(end) + (words != 0);
	length = (size_t)(end - row);
	for (first = 0; first < index; first++) {
		const char *other = mallctl_rows[first].name;

		if (strncmp(other, row, length) == 0 && (!other[length] || other[length] == '.'))
			break;
	}
	return first;
}

static bool is_number_at(const char *row, size_t word)
{
	while (word--)
		row += word_length(row) + 1;
	return is_number_row(row);
}

/* The first row that begins so; mallctl_rows_count: none. */
static size_t find_row(const char *name, size_t *numbers, size_t *words)
{
	size_t index;

	for (index = 0; index < mallctl_rows_count; index++)
		if (is_begin_of(name, mallctl_rows[index].name, numbers, words))
			break;
	return index;
}

int mallctl_to_short_form(const char *name, size_t *short_form, size_t *length)
{
	size_t numbers[MALLCTL_WORDS] = { 0 }, words, word;
	size_t index = find_row(name, numbers, &words);
	const char *row;

	if (index == mallctl_rows_count)
		return ENOENT;
	row = mallctl_rows[index].name;
	words = min_size(words, *length);
	for (word = 0; word < words; word++)
		short_form[word] = is_number_at(row, word) ? numbers[word] :
							     first_alike(index, word + 1);
	*length = words;
	return 0;
}

static size_t mallctl_bytes_of(enum mallctl_type type)
{
	switch (type) {
	case MALLCTL_NOTHING:
	case MALLCTL_BLOCKS:
		return 0;
	case MALLCTL_BOOL:
		return sizeof(bool);
	case MALLCTL_UNSIGNED:
		return sizeof(unsigned);
	case MALLCTL_SIZE:
	case MALLCTL_TEXT:
		break;
	}
	return sizeof(size_t);
}

static int give_value(const struct mallctl_row *row, size_t value, void *old, size_t *old_bytes)
{
	size_t bytes = mallctl_bytes_of(row->type), copied = min_size(bytes, *old_bytes);

	/* All of them are little-endian numbers, addresses of constants too. */
	memcpy(old, &value, copied);
	if (*old_bytes == bytes)
		return 0;
	*old_bytes = copied;
	return EINVAL;
}

/* What is given: the value as it is before the change. */
static int use_row(const struct mallctl_row *row, const struct mallctl_numbers *numbers,
		   void *old, size_t *old_bytes, const void *value, size_t bytes)
{
	bool reads = old && old_bytes, writes = value || bytes;
	size_t was = 0, wanted = 0;
	int error = 0;

	if ((writes && !row->write) || ((old || old_bytes) && !row->read) ||
	    (row->type == MALLCTL_NOTHING && (writes || old || old_bytes)))
		return EPERM;
	if (writes && (!value || bytes != mallctl_bytes_of(row->type)))
		return EINVAL;
	if (row->read)
		error = row->read(numbers, row->parameter, &was);
	if (!error && reads)
		error = give_value(row, was, old, old_bytes);
	if (error || (!writes && row->type != MALLCTL_NOTHING))
		return error;
	if (value)
		memcpy(&wanted, value, bytes);
	return row->write(numbers, row->parameter, wanted);
}

int mallctl_by_short_form(const size_t *short_form, size_t length, void *old, size_t *old_bytes,
			  const void *value, size_t bytes)
{
	struct mallctl_numbers numbers = { { 0, 0 } };
	const struct mallctl_row *row;
	size_t word, found = 0;

	/* The last word is the row's own, for no name is the beginning of another. */
	if (!length || length > MALLCTL_WORDS || short_form[length - 1] >= mallctl_rows_count)
		return ENOENT;
	row = &mallctl_rows[short_form[length - 1]];
	if (words_of_row(row->name) != length)
		return ENOENT;
	for (word = 0; word < length; word++)
		if (is_number_at(row->name, word))
			numbers.of[found++] = short_form[word];
		else if (short_form[word] != first_alike(short_form[length - 1], word + 1))
			return ENOENT;
	if (row->type == MALLCTL_BLOCKS)
		return row->answer(old, old_bytes, value, bytes);
	return use_row(row, &numbers, old, old_bytes, value, bytes);
}

int mallctl_by_name(const char *name, void *old, size_t *old_bytes, const void *value,
		    size_t bytes)
{
	size_t short_form[MALLCTL_WORDS], length = MALLCTL_WORDS;
	int error = mallctl_to_short_form(name, short_form, &length);

	if (error)
		return error;
	return mallctl_by_short_form(short_form, length, old, old_bytes, value, bytes);
}

size_t mallctl_number(const char *name)
{
	size_t value = 0, bytes = sizeof(value);

	/* Of a smaller number the rest stays zero. */
	mallctl_by_name(name, &value, &bytes, NULL, 0);
	return value;
}
