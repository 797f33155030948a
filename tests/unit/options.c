/* SPDX-License-Identifier: MIT */
/*
 * options.c - is every pair of key and value taken as hakmem(7) says, and everything else
 * refused with a warning that helps?
 */
#include <config.h>

#include "support/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

/* Parses a copy that ends where its memory ends: a sanitizer sees a read beyond it. */
static const char *warnings_of(const char *pairs)
{
	size_t length = strlen(pairs);
	char *copy = malloc(length ? length : 1);

	memcpy(copy, pairs, length);
	unit_catch_begin();
	options_parse(copy, length);
	free(copy);
	return unit_catch_end();
}

static void expect_silence(const char *pairs)
{
	ck_assert_str_eq(warnings_of(pairs), "");
}

START_TEST(the_defaults_are_in_force_before_anything_is_read)
{
	ck_assert(!options.confirm);
	ck_assert_uint_eq(options.limit_hard_bytes, SIZE_MAX);
	ck_assert_uint_eq(options.cache_max_bytes, 32 * MiB);
	ck_assert_int_eq(options.huge_pages, HUGE_PAGES_AUTO);
}
END_TEST

START_TEST(each_row_says_the_default_that_is_in_force)
{
	struct options before = options;
	unsigned i;

	for (i = 0; i < options_count(); i++) {
		struct option_view view;
		char pair[128];

		options_view(i, &view);
		snprintf(pair, sizeof(pair), "%s:%s", options_name(i), view.fallback);
		expect_silence(pair);
		ck_assert_msg(memcmp(&before, &options, sizeof(options)) == 0, "%s", pair);
	}
}
END_TEST

START_TEST(confirm_says_every_option)
{
	unsigned i;
	const char *said;

	expect_silence("confirm:true");
	unit_catch_begin();
	options_read(NULL);
	said = unit_catch_end();
	for (i = 0; i < options_count(); i++) {
		char pair[128];

		snprintf(pair, sizeof(pair), "%s%s:", i ? "," : " ", options_name(i));
		ck_assert_msg(strstr(said, pair), "%s: %s", pair, said);
	}
}
END_TEST

START_TEST(each_word_of_an_option_that_can_be_set_is_taken_and_shown)
{
	unsigned i, which;

	for (i = 0; i < options_count(); i++) {
		struct option_view view;

		options_view(i, &view);
		if (!view.can_change || !view.words[0])
			continue;
		for (which = 0; view.words[0] && which < 3; which++) {
			char word[OPTION_WORD_BYTES];
			struct option_view now;
			const char *at = view.words;
			unsigned skip;

			for (skip = which; skip; skip--)
				at = strchr(at, '|') + 1;
			snprintf(word, sizeof(word), "%.*s", (int)strcspn(at, "|"), at);
			ck_assert_int_eq(options_change(i, word), OPTION_CHANGED);
			options_view(i, &now);
			ck_assert_str_eq(now.text, word);
		}
	}
}
END_TEST

/* text sets the option's field to the value. */
#define EXPECT_SET(text, field, value)                       \
	do {                                                    \
		expect_silence(text);                           \
		ck_assert_int_eq(options.field, value);         \
	} while (0)

START_TEST(confirm_takes_three_words_for_yes_and_three_for_no)
{
	static const char *const yes[] = { "confirm:true", "confirm:1", "confirm:yes" };
	static const char *const no[] = { "confirm:false", "confirm:0", "confirm:no" };
	unsigned i;

	for (i = 0; i < 3; i++) {
		EXPECT_SET(yes[i], confirm, true);
		EXPECT_SET(no[i], confirm, false);
	}
}
END_TEST

START_TEST(release_by_takes_its_four_words)
{
	ck_assert_int_eq(options.release_by, RELEASE_BY_AUTO);
	EXPECT_SET("release_by:ring", release_by, RELEASE_BY_RING);
	EXPECT_SET("release_by:vector", release_by, RELEASE_BY_VECTOR);
	EXPECT_SET("release_by:plain", release_by, RELEASE_BY_PLAIN);
	EXPECT_SET("release_by:auto", release_by, RELEASE_BY_AUTO);
}
END_TEST

START_TEST(large_policy_takes_its_two_words)
{
	ck_assert_int_eq(options.large_policy, LARGE_LOCAL);
	EXPECT_SET("large_policy:interleave", large_policy, LARGE_INTERLEAVE);
	EXPECT_SET("large_policy:local", large_policy, LARGE_LOCAL);
}
END_TEST

START_TEST(huge_pages_takes_its_three_words)
{
	EXPECT_SET("huge_pages:never", huge_pages, HUGE_PAGES_NEVER);
	EXPECT_SET("huge_pages:always", huge_pages, HUGE_PAGES_ALWAYS);
	EXPECT_SET("huge_pages:auto", huge_pages, HUGE_PAGES_AUTO);
}
END_TEST

START_TEST(a_limit_may_be_none)
{
	EXPECT_SET("limit_hard:512M", limit_hard_bytes, 512 * MiB);
	EXPECT_SET("limit_hard:none", limit_hard_bytes, SIZE_MAX);
	EXPECT_SET("limit_hard:0", limit_hard_bytes, 0);
}
END_TEST

static const struct {
	const char *text;
	size_t bytes;
} sizes[] = {
	{ "0", 0 },
	{ "5", 5 },
	{ "007", 7 },
	{ "5k", 5 * KiB },
	{ "5K", 5 * KiB },
	{ "5KB", 5 * KiB },
	{ "5kB", 5 * KiB },
	{ "5KiB", 5 * KiB },
	{ "5kiB", 5 * KiB },
	{ "6m", 6 * MiB },
	{ "6M", 6 * MiB },
	{ "6MiB", 6 * MiB },
	{ "7g", 7 * GiB },
	{ "7G", 7 * GiB },
	{ "7GB", 7 * GiB },
	{ "8t", 8 * TiB },
	{ "8TiB", 8 * TiB },
	{ "16777215T", 16777215 * TiB },
	{ "18014398509481983K", 18014398509481983 * KiB },
	{ "18446744073709551615", SIZE_MAX },
};

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

START_TEST(units_are_powers_of_1024)
{
	char pair[64] = "cache_max:";

	strcat(pair, sizes[_i].text);
	expect_silence(pair);
	ck_assert_uint_eq(options.cache_max_bytes, sizes[_i].bytes);
}
END_TEST

static const char *const bad_sizes[] = {
	"",
	"12q",
	"K",
	"-1",
	"+1",
	"1.5G",
	"5 K",
	"0x10",
	"5Kb",
	"5KiBB",
	"5KK",
	"5B",
	"5i",
	"none",
	"18446744073709551616",
	"99999999999999999999999",
	"16777216T",
	"18014398509481984K",
	"17179869184G",
	"M5",
};

START_TEST(a_bad_size_is_refused_and_the_old_one_stays)
{
	char pair[64] = "cache_max:", expected[256];

	strcat(pair, bad_sizes[_i]);
	snprintf(expected, sizeof(expected),
		 "hakmem: option \"cache_max\": bad value \"%s\"; "
		 "expected a size such as 32M\n",
		 bad_sizes[_i]);
	ck_assert_str_eq(warnings_of(pair), expected);
	ck_assert_uint_eq(options.cache_max_bytes, 32 * MiB);
}
END_TEST

START_TEST(a_bad_value_is_named_with_what_is_expected)
{
	ck_assert_str_eq(warnings_of("limit_hard:12q"),
			 "hakmem: option \"limit_hard\": bad value \"12q\"; "
			 "expected a size such as 512M\n");
	ck_assert_str_eq(
		warnings_of("confirm:TRUE"),
		"hakmem: option \"confirm\": bad value \"TRUE\"; expected true or false\n");
	ck_assert_str_eq(
		warnings_of("confirm"),
		"hakmem: option \"confirm\": bad value \"\"; expected true or false\n");
	ck_assert_str_eq(warnings_of("huge_pages:auto:"),
			 "hakmem: option \"huge_pages\": bad value \"auto:\"; "
			 "expected auto, never or always\n");
}
END_TEST

START_TEST(an_unknown_key_gets_the_nearest_known_one)
{
	ck_assert_str_eq(warnings_of("foo"),
			 "hakmem: option \"foo\": unknown; did you mean \"control\"?\n");
	ck_assert_str_eq(
		warnings_of("cachemax:1M"),
		"hakmem: option \"cachemax\": unknown; did you mean \"cache_max\"?\n");
	ck_assert_str_eq(
		warnings_of("limit:1M"),
		"hakmem: option \"limit\": unknown; did you mean \"limit_hard\"?\n");
	ck_assert_str_eq(
		warnings_of("zzz:1"),
		"hakmem: option \"zzz\": unknown; hakmem(7) lists the known ones\n");
	ck_assert_uint_eq(options.cache_max_bytes, 32 * MiB);
}
END_TEST

START_TEST(one_bad_pair_does_not_hide_the_others)
{
	ck_assert_str_eq(warnings_of("confirm:true,cache_max:,huge_pages:never"),
			 "hakmem: option \"cache_max\": bad value \"\"; "
			 "expected a size such as 32M\n");
	ck_assert(options.confirm);
	ck_assert_int_eq(options.huge_pages, HUGE_PAGES_NEVER);
}
END_TEST

START_TEST(the_last_of_two_values_is_in_force)
{
	expect_silence("cache_max:1M,cache_max:2M");
	ck_assert_uint_eq(options.cache_max_bytes, 2 * MiB);
}
END_TEST

START_TEST(blanks_and_empty_pairs_and_comments_are_nothing)
{
	expect_silence("");
	expect_silence(" ,\t,, \n\r\n,");
	expect_silence("# confirm:true, confirm:true\n#\n##confirm:true");
	ck_assert(!options.confirm);
	expect_silence("  confirm:true \r\n\t cache_max:1M# cache_max:2M, cache_max:3M\n"
		       "#huge_pages:never\nhuge_pages:always");
	ck_assert(options.confirm);
	ck_assert_uint_eq(options.cache_max_bytes, 1 * MiB);
	ck_assert_int_eq(options.huge_pages, HUGE_PAGES_ALWAYS);
}
END_TEST

START_TEST(what_would_garble_a_terminal_is_not_repeated)
{
	char word[201], expected[256];

	ck_assert_str_eq(
		warnings_of("\x1b[31mz\xff:1"),
		"hakmem: option \"?[31mz?\": unknown; did you mean \"cache_max\"?\n");
	memset(word, 'z', 200);
	word[200] = '\0';
	snprintf(expected, sizeof(expected),
		 "hakmem: option \"%.63s\": unknown; "
		 "hakmem(7) lists the known ones\n",
		 word);
	ck_assert_str_eq(warnings_of(word), expected);
}
END_TEST

static void check_are_sane(void)
{
	ck_assert_int_ge(options.huge_pages, HUGE_PAGES_AUTO);
	ck_assert_int_le(options.huge_pages, HUGE_PAGES_ALWAYS);
	ck_assert(*(unsigned char *)&options.confirm <= 1);
}

START_TEST(garbage_gives_warnings_and_nothing_else)
{
	static const char pieces[] =
		"confirm:true,#\n =:limit_hard:9M\r\tT\x80\x01K\"%s%n";
	struct unit_random random = unit_random_begin();
	unsigned round, i;

	for (round = 0; round < 2000; round++) {
		char text[120];
		unsigned length =
			(unsigned)unit_random_between(&random, 0, sizeof(text) - 1);
		const char *line;

		for (i = 0; i < length; i++)
			text[i] = pieces[unit_random_between(&random, 0,
							     sizeof(pieces) - 2)];
		text[length] = '\0';
		for (line = warnings_of(text); *line; line = strchr(line, '\n') + 1) {
			ck_assert_int_eq(strncmp(line, "hakmem: option \"", 16), 0);
			ck_assert_ptr_nonnull(strchr(line, '\n'));
		}
		check_are_sane();
	}
}
END_TEST

START_TEST(the_environment_is_read_and_confirmed)
{
	char other[] = "HAKMEM_OPTION=confirm:false", path[] = "PATH=huge_pages:auto";
	char ours[] =
		"HAKMEM_OPTIONS=confirm:yes,limit_hard:1G,cache_max:3M,huge_pages:never";
	char *environment[] = { other, ours, path, NULL };

	errno = 42;
	unit_catch_begin();
	options_read(environment);
	ck_assert_str_eq(
		unit_catch_end(),
		"hakmem: options in force: confirm:true,limit_hard:1073741824,"
		"limit_soft:none,"
		"cache_max:3145728,huge_pages:never,"
		"helpers:auto,on_stray_access:report,release:balanced,"
		"release_by:auto,decay_ms:1000,large_policy:local,control:auto,profile:none,"
		"hardened:false\n");
	ck_assert_int_eq(errno, 42);
	ck_assert_uint_eq(options.limit_hard_bytes, 1 * GiB);
}
END_TEST

START_TEST(hardened_a_stray_access_aborts_unless_another_word_is_said)
{
	char alone[] = "HAKMEM_OPTIONS=hardened:true";
	char other[] = "HAKMEM_OPTIONS=on_stray_access:report,hardened:true";

	options_read((char *[]){ alone, NULL });
	ck_assert_int_eq(options.on_stray_access, ON_STRAY_ABORT);
	options_read((char *[]){ other, NULL });
	ck_assert_int_eq(options.on_stray_access, ON_STRAY_REPORT);
}
END_TEST

START_TEST(no_limit_is_confirmed_as_none_and_zero_as_zero)
{
	char none[] =
		"HAKMEM_OPTIONS=confirm:1,limit_hard:none,cache_max:0,huge_pages:always";
	char zero[] = "HAKMEM_OPTIONS=confirm:1,limit_hard:0,cache_max:0,huge_pages:auto";

	unit_catch_begin();
	options_read((char *[]){ none, NULL });
	options_read((char *[]){ zero, NULL });
	ck_assert_str_eq(
		unit_catch_end(),
		"hakmem: options in force: confirm:true,limit_hard:none,"
		"limit_soft:none,"
		"cache_max:0,huge_pages:always,"
		"helpers:auto,on_stray_access:report,release:balanced,"
		"release_by:auto,decay_ms:1000,large_policy:local,control:auto,profile:none,"
		"hardened:false\n"
		"hakmem: options in force: confirm:true,limit_hard:0,"
		"limit_soft:none,"
		"cache_max:0,huge_pages:auto,"
		"helpers:auto,on_stray_access:report,release:balanced,"
		"release_by:auto,decay_ms:1000,large_policy:local,control:auto,profile:none,"
		"hardened:false\n");
}
END_TEST

START_TEST(no_environment_is_survived)
{
	options_read(NULL);
	options_read((char *[]){ NULL });
}
END_TEST

int main(void)
{
	TCase *tcase = unit_begin("options");

	tcase_add_test(tcase, the_defaults_are_in_force_before_anything_is_read);

	tcase_add_test(tcase, each_row_says_the_default_that_is_in_force);

	tcase_add_test(tcase, confirm_says_every_option);

	tcase_add_test(tcase, each_word_of_an_option_that_can_be_set_is_taken_and_shown);
	tcase_add_test(tcase, confirm_takes_three_words_for_yes_and_three_for_no);
	tcase_add_test(tcase, release_by_takes_its_four_words);
	tcase_add_test(tcase, large_policy_takes_its_two_words);
	tcase_add_test(tcase, huge_pages_takes_its_three_words);
	tcase_add_test(tcase, a_limit_may_be_none);
	tcase_add_loop_test(tcase, units_are_powers_of_1024, 0, COUNT(sizes));
	tcase_add_loop_test(tcase, a_bad_size_is_refused_and_the_old_one_stays, 0,
			    COUNT(bad_sizes));
	tcase_add_test(tcase, a_bad_value_is_named_with_what_is_expected);
	tcase_add_test(tcase, an_unknown_key_gets_the_nearest_known_one);
	tcase_add_test(tcase, one_bad_pair_does_not_hide_the_others);
	tcase_add_test(tcase, the_last_of_two_values_is_in_force);
	tcase_add_test(tcase, blanks_and_empty_pairs_and_comments_are_nothing);
	tcase_add_test(tcase, what_would_garble_a_terminal_is_not_repeated);
	tcase_add_test(tcase, garbage_gives_warnings_and_nothing_else);
	tcase_add_test(tcase, the_environment_is_read_and_confirmed);
	tcase_add_test(tcase, hardened_a_stray_access_aborts_unless_another_word_is_said);
	tcase_add_test(tcase, no_limit_is_confirmed_as_none_and_zero_as_zero);
	tcase_add_test(tcase, no_environment_is_survived);
	return unit_end();
}
