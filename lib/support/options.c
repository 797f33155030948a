/* SPDX-License-Identifier: MIT */
/*
 * options.c - one table of keys; a key is added by one line. Called before stdio and the
 * heap may be used.
 */
#include <config.h>

#include "support/options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "support/compiler.h"
#include "support/log.h"
#include "support/suggestion.h"

#define CONFIGURATION_FILE	"/etc/hakmem.conf"
#define CONFIGURATION_BYTES	4096
#define VARIABLE		"HAKMEM_OPTIONS="
#define MILLISECONDS_MOST	86400000

struct options options = {
	.confirm = false,
	.limit_hard_bytes = SIZE_MAX,
	.limit_soft_bytes = SIZE_MAX,
	.cache_max_bytes = 32 * MiB,
	.helpers = HELPERS_NEVER,
	.on_stray_access = ON_STRAY_REPORT,
	.huge_pages = HUGE_PAGES_AUTO,
	.release = RELEASE_MODE_BALANCED,
	.decay_ms = 1000,
};

struct text {
	const char *start;
	size_t length;
};

static bool text_is(struct text text, const char *word)
{
	return strlen(word) == text.length && memcmp(text.start, word, text.length) == 0;
}

static bool parse_bool(struct text value, void *field)
{
	bool yes = text_is(value, "true") || text_is(value, "1") || text_is(value, "yes");

	if (!yes && !text_is(value, "false") && !text_is(value, "0") && !text_is(value, "no"))
		return false;
	*(bool *)field = yes;
	return true;
}

/* The binary logarithm of a unit such as k, K, KiB or KB; 64 if it is none. */
static unsigned unit_shift(struct text unit)
{
	static const char letters[] = "kmgt";
	const char *letter;

	if (unit.length == 0)
		return 0;
	letter = memchr(letters, unit.start[0] | 0x20, sizeof(letters) - 1);
	unit.start++;
	unit.length--;
	if (!letter || !(unit.length == 0 || text_is(unit, "B") || text_is(unit, "iB")))
		return 64;
	return 10 * (unsigned)(letter - letters + 1);
}

static bool parse_number(struct text value, size_t *number)
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

static bool parse_milliseconds(struct text value, void *field)
{
	size_t number;

	if (!parse_number(value, &number) || number > MILLISECONDS_MOST)
		return false;
	*(size_t *)field = number;
	return true;
}

static bool parse_size(struct text value, void *field)
{
	size_t number, i;
	unsigned shift;

	for (i = 0; i < value.length && value.start[i] >= '0' && value.start[i] <= '9'; i++)
		;
	if (!parse_number((struct text){ value.start, i }, &number))
		return false;
	shift = unit_shift((struct text){ value.start + i, value.length - i });
	if (shift == 64 || number << shift >> shift != number)
		return false;
	*(size_t *)field = number << shift;
	return true;
}

static bool parse_limit(struct text value, void *field)
{
	if (!text_is(value, "none"))
		return parse_size(value, field);
	*(size_t *)field = SIZE_MAX;
	return true;
}

/* The index of the value among words, which NULL ends; the enums count from 0 in that order. */
static bool parse_word(struct text value, const char *const *words, void *field)
{
	unsigned i;

	for (i = 0; words[i]; i++)
		if (text_is(value, words[i])) {
			*(unsigned *)field = i;
			return true;
		}
	return false;
}

static const char *const huge_pages_words[] = { "auto", "never", "always", NULL };
static const char *const helpers_words[] = { "auto", "always", "never", NULL };
static const char *const on_stray_access_words[] = { "report", "abort", "off", NULL };

static const char *const release_words[] = { "balanced", "latency", "memory", NULL };

static bool parse_release(struct text value, void *field)
{
	return parse_word(value, release_words, field);
}

static bool parse_huge_pages(struct text value, void *field)
{
	return parse_word(value, huge_pages_words, field);
}

static bool parse_helpers(struct text value, void *field)
{
	return parse_word(value, helpers_words, field);
}

static bool parse_on_stray_access(struct text value, void *field)
{
	return parse_word(value, on_stray_access_words, field);
}

static const struct key {
	const char *name;
	bool (*parse)(struct text value, void *field);
	void *field;
	const char *expected;	/* completes "expected …" */
} keys[] = {
	{ "confirm", parse_bool, &options.confirm, "true or false" },
	{ "limit_hard", parse_limit, &options.limit_hard_bytes, "a size such as 512M" },
	{ "limit_soft", parse_limit, &options.limit_soft_bytes, "a size such as 512M" },
	{ "cache_max", parse_size, &options.cache_max_bytes, "a size such as 32M" },
	{ "release", parse_release, &options.release, "balanced, latency or memory" },
	{ "decay_ms", parse_milliseconds, &options.decay_ms, "milliseconds, a day at most" },
	{ "huge_pages", parse_huge_pages, &options.huge_pages, "auto, never or always" },
	{ "helpers", parse_helpers, &options.helpers, "auto, always or never" },
	{ "on_stray_access", parse_on_stray_access, &options.on_stray_access,
	  "report, abort or off" },
};

#define KEY_COUNT	(sizeof(keys) / sizeof(keys[0]))
#define WORD_BYTES	64

/* A terminated copy for messages, cut to fit, with what would garble a terminal replaced. */
static const char *printable(struct text text, char word[WORD_BYTES])
{
	size_t i, length = min_size(text.length, WORD_BYTES - 1);

	for (i = 0; i < length; i++)
		word[i] = text.start[i] >= ' ' && text.start[i] <= '~' ? text.start[i] : '?';
	word[length] = '\0';
	return word;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct text trimmed(struct text text)
{
	while (text.length && is_blank(text.start[0])) {
		text.start++;
		text.length--;
	}
	while (text.length && is_blank(text.start[text.length - 1]))
		text.length--;
	return text;
}

static void warn_unknown(struct text name)
{
	char word[WORD_BYTES];
	struct suggestion nearest = suggestion_begin(printable(name, word), WORD_BYTES);
	unsigned i;

	for (i = 0; i < KEY_COUNT; i++)
		suggestion_offer(&nearest, keys[i].name);
	if (nearest.word)
		log_warning("option \"%s\": unknown; did you mean \"%s\"?", word, nearest.word);
	else
		log_warning("option \"%s\": unknown; hakmem(7) lists the known ones", word);
}

static void apply(struct text pair)
{
	const char *colon = memchr(pair.start, ':', pair.length);
	struct text name = pair, value = { "", 0 };
	char word[WORD_BYTES];
	unsigned i;

	if (colon) {
		name = trimmed((struct text){ pair.start, (size_t)(colon - pair.start) });
		value = trimmed((struct text){ colon + 1,
					       (size_t)(pair.start + pair.length - colon - 1) });
	}
	for (i = 0; i < KEY_COUNT; i++) {
		if (!text_is(name, keys[i].name))
			continue;
		if (!keys[i].parse(value, keys[i].field))
			log_warning("option \"%s\": bad value \"%s\"; expected %s", keys[i].name,
				    printable(value, word), keys[i].expected);
		return;
	}
	warn_unknown(name);
}

void options_parse(const char *pairs, size_t length)
{
	const char *end = pairs + length;

	while (pairs < end) {
		const char *stop = pairs;
		struct text pair;

		while (stop < end && *stop != ',' && *stop != '\n' && *stop != '#')
			stop++;
		pair = trimmed((struct text){ pairs, (size_t)(stop - pairs) });
		if (pair.length)
			apply(pair);
		while (stop < end && *stop == '#')	/* a comment runs to the end of its line */
			while (stop < end && *stop != '\n')
				stop++;
		pairs = stop + 1;
	}
}

static void read_file(void)
{
	char text[CONFIGURATION_BYTES];
	int saved_errno = errno;
	int file = open(CONFIGURATION_FILE, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t length;

	if (file >= 0) {
		length = read(file, text, sizeof(text));
		close(file);
		if (length == (ssize_t)sizeof(text))
			log_warning(CONFIGURATION_FILE ": only its first %u bytes are read",
				    CONFIGURATION_BYTES);
		if (length > 0)
			options_parse(text, (size_t)length);
	}
	errno = saved_errno;
}

/* bytes as a word; none: no limit. */
static const char *limit_word(size_t bytes, char word[WORD_BYTES])
{
	unsigned i = WORD_BYTES - 1;

	if (bytes == SIZE_MAX)
		return "none";
	word[i] = '\0';
	do {
		word[--i] = (char)('0' + bytes % 10);
	} while (bytes /= 10);
	return word + i;
}

static void confirm(void)
{
	char hard[WORD_BYTES], soft[WORD_BYTES];

	log_warning("options in force: confirm:true,limit_hard:%s,limit_soft:%s,cache_max:%zu,"
		    "huge_pages:%s,helpers:%s,on_stray_access:%s,release:%s,decay_ms:%zu",
		    limit_word(options.limit_hard_bytes, hard),
		    limit_word(options.limit_soft_bytes, soft), options.cache_max_bytes,
		    huge_pages_words[options.huge_pages], helpers_words[options.helpers],
		    on_stray_access_words[options.on_stray_access],
		    release_words[options.release], options.decay_ms);
}

void options_read(char **environment)
{
	if (getauxval(AT_SECURE))
		return;
	read_file();
	for (; environment && *environment; environment++)
		if (strncmp(*environment, VARIABLE, sizeof(VARIABLE) - 1) == 0) {
			const char *pairs = *environment + sizeof(VARIABLE) - 1;

			options_parse(pairs, strlen(pairs));
		}
	if (options.confirm)
		confirm();
}
