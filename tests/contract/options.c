/* SPDX-License-Identifier: MIT */
/*
 * HAKMEM_OPTIONS: what is wrong in it is said on standard error, in these words, and the
 * program goes on; what is in force is said when asked for.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"

static struct child child;

static void part_use_heap(void)
{
	for (size_t size = 1; size < 5 * MIB; size = size * 2 + 1) {
		char *block = malloc(size);

		CHECK(block);
		pattern_write(block, size, size);
		block = realloc(block, size * 2);
		CHECK(block && pattern_holds(block, size, size));
		free(block);
	}
	printf("went on\n");
}

/* Runs a program with these options; it must go on whatever they are. */
static const char *errors_with(const char *options)
{
	static char change[1 << 17];
	const char *const changes[] = { change, NULL };

	CHECK((size_t)snprintf(change, sizeof(change), "HAKMEM_OPTIONS=%s", options) <
	      sizeof(change));
	child_run_case(&child, "part_use_heap", NULL, changes);
	CHECK_THAT(child_succeeded(&child), "options \"%.100s\": wait status %x: %s",
		   options, (unsigned int)child.status, child.errors);
	CHECK_THAT(!strcmp(child.output, "went on\n"), "options \"%.100s\": %s", options,
		   child.output);
	return child.errors;
}

static void expect(const char *options, const char *errors)
{
	const char *found = errors_with(options);

	CHECK_THAT(!strcmp(found, errors), "options \"%s\"\nexpected: %sfound:    %s",
		   options, errors, found);
}

static void good_options_are_silent(void)
{
	static const char *const good[] = {
		"", "confirm:false", "limit_hard:512M", "limit_hard:1G", "limit_hard:2T",
		"limit_hard:524288K", "limit_hard:1073741824", "cache_max:32M",
		"cache_max:1M", "cache_max:0", "huge_pages:auto", "huge_pages:never",
		"huge_pages:always", "huge_pages:never,limit_hard:700M,cache_max:4M",
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		expect(good[i], "");
}

static void an_unknown_option_is_answered_with_the_nearest(void)
{
	expect("foo:1",
	       "hakmem: option \"foo\": unknown; did you mean \"control\"?\n");
	expect("confrim:true",
	       "hakmem: option \"confrim\": unknown; did you mean \"confirm\"?\n");
	expect("limithard:512M",
	       "hakmem: option \"limithard\": unknown; did you mean \"limit_hard\"?\n");
	expect("cache:1M",
	       "hakmem: option \"cache\": unknown; did you mean \"cache_max\"?\n");
	expect("hugepages:never",
	       "hakmem: option \"hugepages\": unknown; did you mean \"huge_pages\"?\n");
}

static void a_bad_value_is_answered_with_what_is_expected(void)
{
	static const char *const sizes[] = { "12q", "-1", "x", "", "1M1", "M", "1.5G",
					     "99999999999999999999", "99999999999T" };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		char options[100], errors[200];

		snprintf(options, sizeof(options), "limit_hard:%s", sizes[i]);
		snprintf(errors, sizeof(errors),
			 "hakmem: option \"limit_hard\": bad value \"%s\"; "
			 "expected a size such as 512M\n", sizes[i]);
		expect(options, errors);
	}
}

static void expect_start(const char *options, const char *start)
{
	const char *found = errors_with(options);

	CHECK_THAT(!strncmp(found, start, strlen(start)), "options \"%s\": %s", options,
		   found);
}

static void a_bad_word_names_the_option_and_the_word(void)
{
	expect_start("huge_pages:sometimes",
		     "hakmem: option \"huge_pages\": bad value \"sometimes\"; expected ");
	expect_start("confirm:maybe",
		     "hakmem: option \"confirm\": bad value \"maybe\"; expected ");
	expect_start("cache_max:lots",
		     "hakmem: option \"cache_max\": bad value \"lots\"; expected ");
}

static void each_bad_option_is_told_and_the_good_ones_count(void)
{
	const char *errors =
		errors_with("foo:1,limit_hard:12q,confirm:true,bar,cache_max:8M");

	CHECK(strstr(errors, "hakmem: option \"foo\": unknown;"));
	CHECK(strstr(errors, "hakmem: option \"limit_hard\": bad value \"12q\";"));
	CHECK(strstr(errors, "hakmem: option \"bar\": unknown;"));
	CHECK_THAT(strstr(errors, "8388608") || strstr(errors, "8M"),
		   "cache_max:8M is not in force: %s", errors);
}

/* Whatever stands there, every line is the library's and the program goes on. */
static void rubbish_is_survived(void)
{
	static char long_word[100001];
	static const char *const rubbish[] = {
		",",
		":",
		",,,,:,:,",
		"::::",
		"confirm",
		"confirm:",
		":true",
		" ",
		"\t,\n",
		"limit_hard:512M:512M",
		"=",
		"%s%s%n",
		"\x01\x02\xff\xfe",
		"\"",
		"confirm=true",
		"foo bar:baz",
		"CONFIRM:true",
		long_word,
	};

	memset(long_word, 'x', sizeof(long_word) - 1);
	for (size_t i = 0; i < sizeof(rubbish) / sizeof(*rubbish); i++) {
		const char *line = errors_with(rubbish[i]);

		while (*line) {
			CHECK_THAT(!strncmp(line, "hakmem: ", 8), "options \"%.50s\": %s",
				   rubbish[i], line);
			line += strcspn(line, "\n");
			line += *line == '\n';
		}
	}
}

static void confirm_tells_what_is_in_force(void)
{
	const char *errors = errors_with("confirm:true");

	CHECK(!strncmp(errors, "hakmem: ", 8));
	CHECK_THAT(strstr(errors, "confirm") && strstr(errors, "true"), "%s", errors);
	CHECK_THAT(strstr(errors, "limit_hard") && strstr(errors, "none"), "%s", errors);
	CHECK_THAT(strstr(errors, "cache_max"), "%s", errors);
	CHECK_THAT(strstr(errors, "32M") || strstr(errors, "33554432"), "%s", errors);
	CHECK_THAT(strstr(errors, "huge_pages") && strstr(errors, "auto"), "%s", errors);
	errors = errors_with("huge_pages:never,limit_hard:512M,confirm:true");
	CHECK_THAT(strstr(errors, "512M") || strstr(errors, "536870912"), "%s", errors);
	CHECK_THAT(strstr(errors, "never"), "%s", errors);
}

static void without_the_variable_nothing_is_said(void)
{
	const char *const changes[] = { "HAKMEM_OPTIONS", NULL };

	child_run_case(&child, "part_use_heap", NULL, changes);
	CHECK(child_succeeded(&child) && !*child.errors);
}

static const struct contract_case cases[] = {
	CASE(good_options_are_silent),
	CASE(an_unknown_option_is_answered_with_the_nearest),
	CASE(a_bad_value_is_answered_with_what_is_expected),
	CASE(a_bad_word_names_the_option_and_the_word),
	CASE(each_bad_option_is_told_and_the_good_ones_count),
	CASE(rubbish_is_survived),
	CASE(confirm_tells_what_is_in_force),
	CASE(without_the_variable_nothing_is_said),
	CASE_PART(part_use_heap),
};

CONTRACT_MAIN(cases)
