/* SPDX-License-Identifier: MIT */
/*
 * mallctl.h - jemalloc's tree of names: what a program, an exporter or an interpreter that knows
 * jemalloc asks its allocator by mallctl(3). The names themselves are in mallctl_rows.h.
 *
 * A name is words with dots between, of which one or two may be the number of an arena or of a size
 * class. In its short form (a mib) a number stands for itself, so that a caller can put in others,
 * and a word is the first row that begins as the name does up to there.
 *
 * Who may run with whom: anyone with anyone.
 */
#ifndef HAKMEM_JEMALLOC_MALLCTL_H
#define HAKMEM_JEMALLOC_MALLCTL_H

#include <stddef.h>

/*
 * 0, or ENOENT: no such name; EINVAL: the value has another size, of which as much was copied as
 * fits; EPERM: it cannot be read, or written; EFAULT, EAGAIN: not with this value, not now.
 */
int mallctl_by_name(const char *name, void *old, size_t *old_bytes, const void *value,
		    size_t bytes);

/* *length: room in short_form, then how many words the name has; fewer may be asked for. */
int mallctl_to_short_form(const char *name, size_t *short_form, size_t *length);

int mallctl_by_short_form(const size_t *short_form, size_t length, void *old, size_t *old_bytes,
			  const void *value, size_t bytes);

/* A number by its name; 0: there is none. For those who print. */
size_t mallctl_number(const char *name);

#endif
