/* SPDX-License-Identifier: MIT */
/* Sizes, counts and times as text, and sizes and times from text; every verb uses them. */
#include <config.h>

#include "hakctl/output/units.h"

#include <ctype.h>
#include <inttypes.h>
#include <stddef.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "hakctl/output/text.h"

#define MEBIBYTE 1048576.0

struct units_text units_mebibytes(uint64_t bytes)
{
	struct units_text result;

	snprintf(result.text, sizeof(result.text), "%.1f MiB", (double)bytes / MEBIBYTE);
	return result;
}

/* At most 4 digits before the letter: "1023M", "9.9G", "10.0G". */
static struct units_text scaled(double value, double step, const char *const letters[])
{
	struct units_text result;
	int unit = 0;

	/* What would be rounded to the next unit is shown in it. */
	while (value >= step - 0.05 && letters[unit + 1]) {
		value /= step;
		unit++;
	}
	snprintf(result.text, sizeof(result.text), "%.*f%s", unit ? 1 : 0, value,
		 letters[unit]);
	return result;
}

struct units_text units_bytes(uint64_t bytes)
{
	static const char *const letters[] = { "", "K", "M", "G", "T", "P", "E", NULL };

	return scaled((double)bytes, 1024, letters);
}

struct units_text units_size(uint64_t bytes)
{
	static const char *const units[] = { " B", " KiB", " MiB", " GiB", " TiB", NULL };

	return scaled((double)bytes, 1024, units);
}

struct units_text units_count(double count)
{
	static const char *const letters[] = { "", "k", "M", "G", "T", NULL };

	return scaled(count, 1000, letters);
}

struct units_text units_percent(uint64_t part, uint64_t whole)
{
	struct units_text result = { "-" };

	if (whole)
		snprintf(result.text, sizeof(result.text), "%.1f %%",
			 100.0 * (double)part / (double)whole);
	return result;
}

struct units_text units_duration(uint64_t seconds)
{
	struct units_text result;
	uint64_t minutes = seconds / 60, hours = minutes / 60;

	if (hours >= 24)
		snprintf(result.text, sizeof(result.text), "%" PRIu64 "d%02uh",
			 hours / 24, (unsigned)(hours % 24));
	else if (hours)
		snprintf(result.text, sizeof(result.text), "%uh%02um", (unsigned)hours,
			 (unsigned)(minutes % 60));
	else if (minutes)
		snprintf(result.text, sizeof(result.text), "%um%02us", (unsigned)minutes,
			 (unsigned)(seconds % 60));
	else
		snprintf(result.text, sizeof(result.text), "%us", (unsigned)seconds);
	return result;
}

struct units_text units_nanoseconds(uint64_t ns)
{
	struct units_text result;

	if (ns < 1000000)
		snprintf(result.text, sizeof(result.text), "%" PRIu64 " %s",
			 (ns + 500) / 1000, text_sign("µs", "us"));
	else if (ns < 1000000000)
		snprintf(result.text, sizeof(result.text), "%.1f ms", (double)ns / 1e6);
	else if (ns >= 120000000000)
		return units_duration(ns / 1000000000);
	else
		snprintf(result.text, sizeof(result.text), "%.1f s", (double)ns / 1e9);
	return result;
}

/* A plain decimal number in front; its end, or NULL. strtod also takes "inf" and "0x". */
static const char *leading_number(const char *text, double *number)
{
	size_t length = strspn(text, "0123456789.");
	char digits[32];
	char *end;

	if (length == 0 || length >= sizeof(digits))
		return NULL;
	memcpy(digits, text, length);
	digits[length] = '\0';
	*number = strtod(digits, &end);
	return *end ? NULL : text + length;
}

bool units_parse_bytes(const char *text, uint64_t *bytes)
{
	static const char letters[] = "kmgtp";
	double number;
	const char *unit = leading_number(text, &number);
	const char *letter;

	if (!unit)
		return false;
	if (*unit && strcasecmp(unit, "b")) {
		letter = strchr(letters, tolower((unsigned char)*unit));
		if (!letter ||
		    (unit[1] && strcasecmp(unit + 1, "b") && strcasecmp(unit + 1, "ib")))
			return false;
		number = ldexp(number, 10 * (int)(letter - letters + 1));
	}
	if (number > (double)INT64_MAX / 2)
		return false;
	*bytes = (uint64_t)number;
	return true;
}

bool units_parse_seconds(const char *text, double *seconds)
{
	static const struct {
		const char *name;
		double seconds;
	} units[] = { { "", 1 },     { "s", 1 },    { "ms", 0.001 }, { "m", 60 },
		      { "min", 60 }, { "h", 3600 }, { "d", 86400 } };
	double number;
	const char *unit = leading_number(text, &number);

	for (size_t i = 0; unit && i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcmp(unit, units[i].name)) {
			*seconds = number * units[i].seconds;
			return *seconds <= 366.0 * 86400;
		}
	return false;
}
