/* SPDX-License-Identifier: MIT */
/*
 * mallctl_rows.h - the names of mallctl(3) that have an answer here, one a row. What is counted
 * nowhere (allocations since the start, locks, profiles) has none: ENOENT, as from a jemalloc that
 * was built without.
 */
#ifndef HAKMEM_JEMALLOC_MALLCTL_ROWS_H
#define HAKMEM_JEMALLOC_MALLCTL_ROWS_H

#include <stddef.h>

#define MALLCTL_WORDS	7	/* in a name, at most */

enum mallctl_type {
	MALLCTL_NOTHING,	/* something is done */
	MALLCTL_BOOL,
	MALLCTL_UNSIGNED,	/* 32 bits */
	MALLCTL_SIZE,		/* 64 bits, signed or not */
	MALLCTL_TEXT,		/* const char *, a constant */
	MALLCTL_BLOCKS,		/* addresses are written, and what is said of them is read */
};

/* Those in the name, in turn. */
struct mallctl_numbers {
	size_t of[2];
};

/*
 * One name. In it "#" stands for a number. read NULL: it cannot be read; write NULL: it cannot be
 * written. What is done where the type is nothing is done by write.
 */
struct mallctl_row {
	const char *name;
	enum mallctl_type type;
	int (*read)(const struct mallctl_numbers *numbers, size_t parameter, size_t *value);
	int (*write)(const struct mallctl_numbers *numbers, size_t parameter, size_t value);
	size_t parameter;	/* for them */
	/* Instead, of blocks; as mallctl(). */
	int (*answer)(void *old, size_t *old_bytes, const void *value, size_t bytes);
};

extern const struct mallctl_row mallctl_rows[];
extern const size_t mallctl_rows_count;

#endif
