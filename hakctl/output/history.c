/* SPDX-License-Identifier: MIT */
/* See history.h; top draws them. */
#include <config.h>

#include "hakctl/output/history.h"

#include <stdio.h>

#include "hakctl/output/text.h"

enum { STEPS = 8, FLAT_PART = 50 };

void history_add(struct history *history, uint64_t value)
{
	history->values[history->count++ % HISTORY_MOST] = value;
}

static uint64_t value_at(const struct history *history, size_t number)
{
	return history->values[number % HISTORY_MOST];
}

static const char *sign_of(uint64_t value, uint64_t low, uint64_t high)
{
	static const char *const signs[STEPS] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char *const ascii[STEPS] = { "_", ".", ":", "-", "=", "+", "*", "#" };
	double share = high > low ? (double)(value - low) / (double)(high - low) : 0;
	int step = (int)(share * (STEPS - 1) + 0.5);

	return text_sign(signs[step], ascii[step]);
}

struct history_line history_draw(const struct history *history, int columns)
{
	struct history_line line = { .text = "" };
	size_t known = history->count < HISTORY_MOST ? history->count : HISTORY_MOST;
	size_t shown = columns < 0 ? 0 : (size_t)columns < known ? (size_t)columns : known;
	uint64_t low = UINT64_MAX, high = 0;
	size_t length = 0;

	for (size_t i = history->count - shown; i < history->count; i++) {
		uint64_t value = value_at(history, i);

		low = value < low ? value : low;
		high = value > high ? value : high;
	}
	if (shown && high - low < high / FLAT_PART)
		high = low + high / FLAT_PART;
	for (size_t i = history->count - shown; i < history->count; i++)
		length += (size_t)snprintf(line.text + length, sizeof(line.text) - length, "%s",
					   sign_of(value_at(history, i), low, high));
	return line;
}
