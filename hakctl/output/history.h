/* SPDX-License-Identifier: MIT */
/* The last values of a number, and a line of signs that shows how it went. */
#ifndef HAKCTL_HISTORY_H
#define HAKCTL_HISTORY_H

#include <stddef.h>
#include <stdint.h>

enum { HISTORY_MOST = 256 };

struct history {
	/* a ring: the oldest is at count once that is past the end */
	uint64_t values[HISTORY_MOST];
	size_t count;		       /* of all that were ever added */
};

/* A sign takes three bytes at most. */
struct history_line {
	char text[3 * HISTORY_MOST + 1];
};

void history_add(struct history *history, uint64_t value);

/*
 * The last so many values, from the lowest of them to the highest; what changes by less than a
 * fiftieth is flat. Shorter where fewer are known.
 */
struct history_line history_draw(const struct history *history, int columns);

#endif
