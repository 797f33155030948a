/* SPDX-License-Identifier: MIT */
/*
 * text.c - support/log: does a message say what its format and arguments say, and never
 * more than fits? support/suggestion: is the nearest word the nearest?
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/log.h"
#include "support/suggestion.h"

#include "tests/unit/unit.h"

static char text[256];
static size_t length;

static void format_into(size_t bytes, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void format_into(size_t bytes, const char *format, ...)
{
	va_list arguments;

	memset(text, 'x', sizeof(text));
	va_start(arguments, format);
	length = log_format(text, bytes, format, arguments);
	va_end(arguments);
}

START_TEST(every_conversion_is_written)
{
	format_into(sizeof(text), "%s|%s|%u|%u|%zu|%zu|%p|%p|%%|end", "word", "", 0u,
		    UINT_MAX, (size_t)0, SIZE_MAX, (void *)0xdeadBEEF0, (void *)NULL);
	ck_assert_str_eq(
		text, "word||0|4294967295|0|18446744073709551615|0xdeadbeef0|0x0|%|end");
	ck_assert_uint_eq(length, strlen(text));
}
END_TEST

START_TEST(numbers_are_those_of_printf)
{
	struct unit_random random = unit_random_begin();
	char expected[sizeof(text)];
	unsigned round;

	for (round = 0; round < 10000; round++) {
		uint64_t value = unit_random_next(&random) >> (round % 63);

		format_into(sizeof(text), "%u %zu %p", (unsigned)value, (size_t)value,
			    (void *)(value + 1));
		snprintf(expected, sizeof(expected), "%u %zu %p", (unsigned)value,
			 (size_t)value, (void *)(value + 1));
		ck_assert_str_eq(text, expected);
	}
}
END_TEST

START_TEST(a_text_is_cut_where_its_room_ends)
{
	static const char whole[] = "a string, 1234567890, 0xabcdef and more";
	size_t bytes = (size_t)_i;

	format_into(bytes, "a %s, %zu, %p and more", "string", (size_t)1234567890,
		    (void *)0xabcdef);
	ck_assert_uint_eq(length, bytes - 1 < strlen(whole) ? bytes - 1 : strlen(whole));
	ck_assert_int_eq(strncmp(text, whole, length), 0);
	ck_assert_int_eq(text[length], '\0');
	ck_assert_int_eq(text[bytes], 'x');
}
END_TEST

/* A pipe in packet mode tells how many writes there were. */
START_TEST(a_warning_is_one_write_and_keeps_errno)
{
	int ends[2];
	ssize_t bytes;

	ck_assert_int_eq(pipe2(ends, O_DIRECT | O_NONBLOCK), 0);
	dup2(ends[1], STDERR_FILENO);
	errno = 42;
	log_warning("%u warnings of %s", 2u, "mine");
	ck_assert_int_eq(errno, 42);
	bytes = read(ends[0], text, sizeof(text) - 1);
	ck_assert_int_gt(bytes, 0);
	text[bytes] = '\0';
	ck_assert_str_eq(text, "hakmem: 2 warnings of mine\n");
	ck_assert_int_eq(read(ends[0], text, sizeof(text)), -1);
	ck_assert_int_eq(errno, EAGAIN);
}
END_TEST

START_TEST(a_long_message_is_cut_to_512_bytes_and_still_ends_its_line)
{
	char word[2000];
	const char *caught;

	memset(word, 'y', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	unit_catch_begin();
	log_warning("%s", word);
	caught = unit_catch_end();
	ck_assert_uint_le(strlen(caught), 512);
	ck_assert_uint_ge(strlen(caught), 500);
	ck_assert_int_eq(strncmp(caught, "hakmem: yyy", 11), 0);
	ck_assert_int_eq(caught[strlen(caught) - 1], '\n');
}
END_TEST

START_TEST(a_closed_standard_error_is_survived)
{
	int saved = dup(STDERR_FILENO);

	close(STDERR_FILENO);
	errno = 42;
	log_warning("to nobody");
	ck_assert_int_eq(errno, 42);
	dup2(saved, STDERR_FILENO);
}
END_TEST

START_TEST(a_fatal_message_aborts)
{
	log_fatal("expected by the test %s", "a_fatal_message_aborts");
}
END_TEST

static void fail_fatally(void *word)
{
	log_fatal("%s at %p", (const char *)word, word);
}

START_TEST(a_fatal_message_is_said_first)
{
	char word[] = "trouble";

	unit_expect_abort(fail_fatally, word, "trouble at %p", (void *)word);
}
END_TEST

static const char *nearest(const char *unknown, unsigned farthest)
{
	static const char *const words[] = { "run", "version", "help", "purge", "get" };
	struct suggestion suggestion = suggestion_begin(unknown, farthest);
	unsigned i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		suggestion_offer(&suggestion, words[i]);
	return suggestion.word;
}

START_TEST(the_nearest_word_is_suggested)
{
	ck_assert_str_eq(nearest("rum", 2), "run");
	ck_assert_str_eq(nearest("verzion", 2), "version");
	ck_assert_str_eq(nearest("prge", 2), "purge");
	ck_assert_str_eq(nearest("hellp", 2), "help");
	ck_assert_str_eq(nearest("get", 2), "get");
}
END_TEST

START_TEST(a_word_too_far_away_is_not_suggested)
{
	ck_assert_str_eq(nearest("versi", 2), "version");
	ck_assert_ptr_null(nearest("vers", 2));
	ck_assert_ptr_null(nearest("qqq", 9));
	ck_assert_ptr_null(nearest("", 9));
	ck_assert_ptr_null(nearest("versionversionversionversionversion", 64));
}
END_TEST

START_TEST(the_first_of_two_equally_near_is_suggested)
{
	struct suggestion suggestion = suggestion_begin("bat", 2);

	suggestion_offer(&suggestion, "cat");
	suggestion_offer(&suggestion, "hat");
	ck_assert_str_eq(suggestion.word, "cat");
	ck_assert_uint_eq(suggestion.distance, 1);
}
END_TEST

static unsigned distance(const char *a, const char *b)
{
	unsigned changed, added, removed, least;

	if (!*a || !*b)
		return (unsigned)(strlen(a) + strlen(b));
	changed = distance(a + 1, b + 1) + (*a != *b);
	added = distance(a, b + 1) + 1;
	removed = distance(a + 1, b) + 1;
	least = changed < added ? changed : added;
	return least < removed ? least : removed;
}

START_TEST(distances_are_those_of_the_definition)
{
	struct unit_random random = unit_random_begin();
	unsigned round, i;

	for (round = 0; round < 3000; round++) {
		char words[2][7] = { "", "" };
		struct suggestion suggestion;
		unsigned expected;

		for (i = 0; i < 2 * 6; i++)
			words[i / 6][i % 6] =
				"abc"[unit_random_between(&random, 0, 3) % 4 % 3];
		words[0][unit_random_between(&random, 0, 6)] = '\0';
		words[1][unit_random_between(&random, 1, 6)] = '\0';
		expected = distance(words[0], words[1]);
		suggestion = suggestion_begin(words[0], 64);
		suggestion_offer(&suggestion, words[1]);
		if (expected < strlen(words[1]))
			ck_assert_uint_eq(suggestion.distance, expected);
		else
			ck_assert_ptr_null(suggestion.word);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = unit_begin("text");

	tcase_add_test(tcase, every_conversion_is_written);
	tcase_add_test(tcase, numbers_are_those_of_printf);
	tcase_add_loop_test(tcase, a_text_is_cut_where_its_room_ends, 1, 60);
	tcase_add_test(tcase, a_warning_is_one_write_and_keeps_errno);
	tcase_add_test(tcase, a_long_message_is_cut_to_512_bytes_and_still_ends_its_line);
	tcase_add_test(tcase, a_closed_standard_error_is_survived);
	tcase_add_test_raise_signal(tcase, a_fatal_message_aborts, SIGABRT);
	tcase_add_test(tcase, a_fatal_message_is_said_first);
	tcase_add_test(tcase, the_nearest_word_is_suggested);
	tcase_add_test(tcase, a_word_too_far_away_is_not_suggested);
	tcase_add_test(tcase, the_first_of_two_equally_near_is_suggested);
	tcase_add_test(tcase, distances_are_those_of_the_definition);
	return unit_end();
}
