/* SPDX-License-Identifier: MIT */
/*
 * options.c - one table of options: parsing, confirm, hakctl list and set follow from its rows.
 * Called before stdio and the heap may be used.
 */
#include <config.h>

#include "support/options.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>

#include "support/compiler.h"
#include "support/log.h"
#include "support/option_value.h"
#include "support/suggestion.h"
#include "support/system_call.h"

#define CONFIGURATION_FILE	"/etc/hakmem.conf"
#define CONFIGURATION_BYTES	4096
#define VARIABLE		"HAKMEM_OPTIONS="

struct options options = {
	.confirm = false,
	.limit_hard_bytes = SIZE_MAX,
	.limit_soft_bytes = SIZE_MAX,
	.cache_max_bytes = 32 * MiB,
	.helpers = HELPERS_AUTO,
	.on_stray_access = ON_STRAY_REPORT,
	.profile_bytes = SIZE_MAX,
	.hardened = false,
	.huge_pages = HUGE_PAGES_AUTO,
	.release = RELEASE_MODE_BALANCED,
	.release_by = RELEASE_BY_AUTO,
	.decay_ms = 1000,
	.large_policy = LARGE_LOCAL,
};

enum option_kind { FLAG, SIZE, LIMIT, MILLISECONDS, WORD, WORD_OR_DIRECTORY };

/*
 * One row says all there is to say of an option: what it is parsed by, printed as, and whether it
 * can be set while the process runs. The words of expected are those of its enum, in that order.
 */
static const struct key {
	const char *name;
	enum option_kind kind;
	void *field;
	bool can_change;	/* it is read anew each time that it is needed */
	const char *fallback;	/* what is in force when nobody says anything */
	const char *expected;	/* completes "expected …" */
	const char *meaning;	/* in a few words, for hakctl list */
} keys[] = {
	{ "confirm", FLAG, &options.confirm, false, "false", "true or false",
	  "says at the start which options are in force" },
	{ "limit_hard", LIMIT, &options.limit_hard_bytes, true, "none", "a size such as 512M",
	  "the heap does not hold more" },
	{ "limit_soft", LIMIT, &options.limit_soft_bytes, true, "none", "a size such as 512M",
	  "above it free memory goes back at once" },
	{ "cache_max", SIZE, &options.cache_max_bytes, true, "32M", "a size such as 32M",
	  "how much all thread caches together may grow to" },
	{ "huge_pages", WORD, &options.huge_pages, false, "auto", "auto, never or always",
	  "what the heap asks for" },
	{ "helpers", WORD, &options.helpers, false, "auto", "auto, always or never",
	  "when a helper works beside the program" },
	{ "on_stray_access", WORD, &options.on_stray_access, true, "report",
	  "report, abort or off", "what a touch of memory that nobody was given does" },
	{ "release", WORD, &options.release, true, "balanced", "balanced, latency or memory",
	  "how soon and in which pieces memory goes back" },
	{ "release_by", WORD, &options.release_by, false, "auto", "auto, ring, vector or plain",
	  "by which system call it goes" },
	{ "decay_ms", MILLISECONDS, &options.decay_ms, true, "1000",
	  "milliseconds, a day at most", "how long free memory stays before it goes back" },
	{ "large_policy", WORD, &options.large_policy, false, "local", "local or interleave",
	  "where blocks above 1 MiB come from on several nodes" },
	{ "control", WORD_OR_DIRECTORY, &options.control, false, "auto",
	  "auto, always, off or a directory", "where hakctl finds the process" },
	{ "profile", LIMIT, &options.profile_bytes, true, "none", "a size such as 512K",
	  "for each so many bytes one allocation is sampled" },
	{ "hardened", FLAG, &options.hardened, false, "false", "true or false",
	  "every misuse is seen, and at once" },
};

#define KEY_COUNT	(sizeof(keys) / sizeof(keys[0]))
#define WORD_BYTES	OPTION_WORD_BYTES
#define CONFIRMATION_BYTES	480	/* a message of log.h with its first words */

/* "auto, never or always" to "auto|never|always". */
static void list_words(const char *expected, char words[WORD_BYTES])
{
	size_t length = 0;

	for (; *expected && length < WORD_BYTES - 1; expected++) {
		bool or = strncmp(expected, " or ", 4) == 0;

		if (!or && strncmp(expected, ", ", 2) != 0) {
			words[length++] = *expected;
			continue;
		}
		words[length++] = '|';
		expected += or ? 3 : 1;
	}
	words[length] = '\0';
}

static bool parse_word(const struct key *key, struct option_text value)
{
	char words[WORD_BYTES];

	list_words(key->expected, words);
	return option_value_word(value, words, key->field);
}

static bool parse_directory(struct option_text value)
{
	if (value.length >= sizeof(options.control_folder))
		return false;
	memcpy(options.control_folder, value.start, value.length);
	options.control_folder[value.length] = '\0';
	return true;
}

static bool parse(const struct key *key, struct option_text value)
{
	switch (key->kind) {
	case FLAG:
		return option_value_bool(value, key->field);
	case SIZE:
		return option_value_size(value, key->field);
	case LIMIT:
		return option_value_limit(value, key->field);
	case MILLISECONDS:
		return option_value_milliseconds(value, key->field);
	case WORD_OR_DIRECTORY:
		if (value.length && value.start[0] == '/')
			return parse_directory(value);
		/* "a directory" is no word. */
		return !memchr(value.start, ' ', value.length) && parse_word(key, value);
	case WORD:
		break;
	}
	return parse_word(key, value);
}

/* A terminated copy for messages, cut to fit, with what would garble a terminal replaced. */
static const char *printable(struct option_text text, char word[WORD_BYTES])
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

static struct option_text trimmed(struct option_text text)
{
	while (text.length && is_blank(text.start[0])) {
		text.start++;
		text.length--;
	}
	while (text.length && is_blank(text.start[text.length - 1]))
		text.length--;
	return text;
}

static bool says_stray_access;	/* somebody has said what is to happen then */

static void warn_unknown(struct option_text name)
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

static void apply(struct option_text pair)
{
	const char *colon = memchr(pair.start, ':', pair.length);
	struct option_text name = pair, value = { "", 0 };
	char word[WORD_BYTES];
	unsigned i;

	if (colon) {
		name = trimmed((struct option_text){ pair.start, (size_t)(colon - pair.start) });
		value = trimmed((struct option_text){ colon + 1,
					       (size_t)(pair.start + pair.length - colon - 1) });
	}
	for (i = 0; i < KEY_COUNT; i++) {
		if (!option_value_is(name, keys[i].name))
			continue;
		says_stray_access |= keys[i].field == &options.on_stray_access;
		if (!parse(&keys[i], value))
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
		struct option_text pair;

		while (stop < end && *stop != ',' && *stop != '\n' && *stop != '#')
			stop++;
		pair = trimmed((struct option_text){ pairs, (size_t)(stop - pairs) });
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
	long length, file = system_call(SYS_openat, AT_FDCWD, CONFIGURATION_FILE,
					O_RDONLY | O_CLOEXEC | O_NOCTTY, 0);

	if (file < 0)
		return;
	length = system_call(SYS_read, file, text, sizeof(text));
	system_call(SYS_close, file);
	if (length == (long)sizeof(text))
		log_warning(CONFIGURATION_FILE ": only its first %u bytes are read",
			    CONFIGURATION_BYTES);
	if (length > 0)
		options_parse(text, (size_t)length);
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

static void copy_word(const char *words, uint64_t which, char *text, size_t bytes)
{
	size_t length;

	for (; which && *words; words++)
		which -= *words == '|';
	length = min_size(strcspn(words, "|"), bytes - 1);
	memcpy(text, words, length);
	text[length] = '\0';
}

static void confirm(void)
{
	char text[CONFIRMATION_BYTES], number[WORD_BYTES];
	size_t length = 0;
	unsigned i;

	for (i = 0; i < KEY_COUNT; i++) {
		struct option_view view;

		options_view(i, &view);
		length += log_format_text(
			text + length, sizeof(text) - length, "%s%s:%s", i ? "," : "", keys[i].name,
			view.unit == OPTION_WORD ? view.text : limit_word(view.value, number));
	}
	log_warning("options in force: %s", text);
}

unsigned options_count(void)
{
	return KEY_COUNT;
}

const char *options_name(unsigned index)
{
	return keys[index].name;
}

const char *options_expected(unsigned index)
{
	return keys[index].expected;
}

static uint64_t read_number(const struct key *key)
{
	if (key->kind == FLAG)
		return !*(const bool *)key->field;
	if (key->kind == WORD || key->kind == WORD_OR_DIRECTORY)
		return __atomic_load_n((const unsigned *)key->field, __ATOMIC_RELAXED);
	return __atomic_load_n((const size_t *)key->field, __ATOMIC_RELAXED);
}

void options_view(unsigned index, struct option_view *view)
{
	const struct key *key = &keys[index];

	*view = (struct option_view){ .fallback = key->fallback, .meaning = key->meaning,
				      .can_change = key->can_change,
				      .value = read_number(key) };
	view->unit = key->kind == MILLISECONDS		       ? OPTION_MS :
		     key->kind == SIZE || key->kind == LIMIT ? OPTION_BYTES :
							       OPTION_WORD;
	if (view->unit != OPTION_WORD)
		return;
	list_words(key->expected, view->words);
	copy_word(view->words, view->value, view->text, sizeof(view->text));
	if (key->kind == WORD_OR_DIRECTORY && options.control_folder[0])
		log_format_text(view->text, sizeof(view->text), "%s", options.control_folder);
}

enum option_change options_change(unsigned index, const char *value)
{
	if (!keys[index].can_change)
		return OPTION_FIXED;
	return parse(&keys[index], (struct option_text){ value, strlen(value) }) ?
		       OPTION_CHANGED : OPTION_BAD_VALUE;
}

void options_read(char **environment)
{
	/*
	 * The administrator's counts everywhere, as /etc/ld.so.preload does; a variable is
	 * anybody's.
	 */
	read_file();
	if (getauxval(AT_SECURE))
		environment = NULL;
	for (; environment && *environment; environment++)
		if (strncmp(*environment, VARIABLE, sizeof(VARIABLE) - 1) == 0) {
			const char *pairs = *environment + sizeof(VARIABLE) - 1;

			options_parse(pairs, strlen(pairs));
		}
	if (options.hardened && !says_stray_access)
		options.on_stray_access = ON_STRAY_ABORT;
	if (options.confirm)
		confirm();
}
