/* SPDX-License-Identifier: MIT */
/*
 * options.c - one table of keys; a key is added by one line. Called before stdio and the
 * heap may be used.
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

static const char *const huge_pages_words[] = { "auto", "never", "always", NULL };
static const char *const helpers_words[] = { "auto", "always", "never", NULL };
static const char *const on_stray_access_words[] = { "report", "abort", "off", NULL };

static const char *const large_policy_words[] = { "local", "interleave", NULL };
static const char *const release_words[] = { "balanced", "latency", "memory", NULL };
static const char *const release_by_words[] = { "auto", "ring", "vector", "plain", NULL };

static bool parse_release(struct option_text value, void *field)
{
	return option_value_word(value, release_words, field);
}

static bool parse_release_by(struct option_text value, void *field)
{
	return option_value_word(value, release_by_words, field);
}

static bool parse_large_policy(struct option_text value, void *field)
{
	return option_value_word(value, large_policy_words, field);
}

static bool parse_huge_pages(struct option_text value, void *field)
{
	return option_value_word(value, huge_pages_words, field);
}

static bool parse_helpers(struct option_text value, void *field)
{
	return option_value_word(value, helpers_words, field);
}

static bool parse_on_stray_access(struct option_text value, void *field)
{
	return option_value_word(value, on_stray_access_words, field);
}

static const char *const control_words[] = { "auto", "always", "off", NULL };

static bool parse_control(struct option_text value, void *field)
{
	if (option_value_word(value, control_words, field))
		return true;
	if (!value.length || value.start[0] != '/' ||
	    value.length >= sizeof(options.control_folder))
		return false;
	memcpy(options.control_folder, value.start, value.length);
	options.control_folder[value.length] = '\0';
	return true;
}

static const struct key {
	const char *name;
	bool (*parse)(struct option_text value, void *field);
	void *field;
	const char *expected;	/* completes "expected …" */
	const char *meaning;	/* in a few words, for hakctl list */
} keys[] = {
	{ "confirm", option_value_bool, &options.confirm, "true or false",
	  "says at the start which options are in force" },
	{ "limit_hard", option_value_limit, &options.limit_hard_bytes, "a size such as 512M",
	  "the heap does not hold more" },
	{ "limit_soft", option_value_limit, &options.limit_soft_bytes, "a size such as 512M",
	  "above it free memory goes back at once" },
	{ "cache_max", option_value_size, &options.cache_max_bytes, "a size such as 32M",
	  "how much all thread caches together may grow to" },
	{ "release", parse_release, &options.release, "balanced, latency or memory",
	  "how soon and in which pieces memory goes back" },
	{ "release_by", parse_release_by, &options.release_by, "auto, ring, vector or plain",
	  "by which system call it goes" },
	{ "decay_ms", option_value_milliseconds, &options.decay_ms, "milliseconds, a day at most",
	  "how long free memory stays before it goes back" },
	{ "large_policy", parse_large_policy, &options.large_policy, "local or interleave",
	  "where blocks above 1 MiB come from on several nodes" },
	{ "huge_pages", parse_huge_pages, &options.huge_pages, "auto, never or always",
	  "what the heap asks for" },
	{ "helpers", parse_helpers, &options.helpers, "auto, always or never",
	  "when a helper works beside the program" },
	{ "profile", option_value_limit, &options.profile_bytes, "a size such as 512K",
	  "for each so many bytes one allocation is sampled" },
	{ "hardened", option_value_bool, &options.hardened, "true or false",
	  "every misuse is seen, and at once" },
	{ "on_stray_access", parse_on_stray_access, &options.on_stray_access,
	  "report, abort or off",
	  "what a touch of memory that nobody was given does" },
	{ "control", parse_control, &options.control, "auto, always, off or a directory",
	  "where hakctl finds the process" },
};

#define KEY_COUNT	(sizeof(keys) / sizeof(keys[0]))
#define WORD_BYTES	64

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

static void confirm(void)
{
	char hard[WORD_BYTES], soft[WORD_BYTES];

	log_warning("options in force: confirm:true,limit_hard:%s,limit_soft:%s,cache_max:%zu,"
		    "huge_pages:%s,helpers:%s,on_stray_access:%s,release:%s,release_by:%s,"
		    "decay_ms:%zu,large_policy:%s,control:%s,hardened:%s",
		    limit_word(options.limit_hard_bytes, hard),
		    limit_word(options.limit_soft_bytes, soft), options.cache_max_bytes,
		    huge_pages_words[options.huge_pages], helpers_words[options.helpers],
		    on_stray_access_words[options.on_stray_access],
		    release_words[options.release], release_by_words[options.release_by],
		    options.decay_ms,
		    large_policy_words[options.large_policy],
		    options.control_folder[0] ? options.control_folder :
						control_words[options.control],
		    options.hardened ? "true" : "false");
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

/* What is read anew each time it is needed. */
static bool can_change(const struct key *key)
{
	return key->field == &options.limit_hard_bytes || key->field == &options.limit_soft_bytes ||
	       key->field == &options.cache_max_bytes || key->field == &options.on_stray_access ||
	       key->field == &options.release ||
	       key->field == &options.profile_bytes || key->field == &options.decay_ms;
}

/* "auto, never or always" to "auto|never|always", which are in the order of the enum. */
static void list_words(const char *expected, char *words, size_t bytes)
{
	size_t length = 0;

	for (; *expected && length < bytes - 1; expected++) {
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

static void copy_word(const char *words, uint64_t which, char *text, size_t bytes)
{
	size_t length;

	for (; which && *words; words++)
		which -= *words == '|';
	length = min_size(strcspn(words, "|"), bytes - 1);
	memcpy(text, words, length);
	text[length] = '\0';
}

void options_view(unsigned index, struct option_view *view)
{
	const struct key *key = &keys[index];

	*view = (struct option_view){ .expected = key->expected, .meaning = key->meaning,
				       .can_change = can_change(key) };
	if (key->parse == option_value_size || key->parse == option_value_limit ||
	    key->parse == option_value_milliseconds) {
		view->value = __atomic_load_n((const size_t *)key->field, __ATOMIC_RELAXED);
		return;
	}
	if (key->parse == option_value_bool)
		view->value = !*(const bool *)key->field;
	else
		view->value = __atomic_load_n((const unsigned *)key->field, __ATOMIC_RELAXED);
	list_words(key->expected, view->words, sizeof(view->words));
	copy_word(view->words, view->value, view->text, sizeof(view->text));
}

enum option_change options_change(unsigned index, const char *value)
{
	if (!can_change(&keys[index]))
		return OPTION_FIXED;
	return keys[index].parse((struct option_text){ value, strlen(value) }, keys[index].field) ?
		       OPTION_CHANGED : OPTION_BAD_VALUE;
}

void options_read(char **environment)
{
	/* The administrator's counts everywhere, as /etc/ld.so.preload does; a variable is anybody's. */
	read_file();
	if (getauxval(AT_SECURE))
		environment = NULL;
	for (; environment && *environment; environment++)
		if (strncmp(*environment, VARIABLE, sizeof(VARIABLE) - 1) == 0) {
			const char *pairs = *environment + sizeof(VARIABLE) - 1;

			options_parse(pairs, strlen(pairs));
		}
	if (options.confirm)
		confirm();
}
