/* SPDX-License-Identifier: MIT */
/*
 * filter_state.h - whether a seccomp filter is in force, which may kill for a call. Where the
 * kernel does not say it, the answer is yes.
 */
#ifndef HAKMEM_SUPPORT_FILTER_STATE_H
#define HAKMEM_SUPPORT_FILTER_STATE_H

#include <stdbool.h>
#include <stddef.h>

#include "support/compiler.h"

/* On the calling thread: a filter may apply to one thread and its children. */
bool filter_state_is_on(void) HIDDEN;

/*
 * As a status file tells it, which kernel_file_read has read into so many bytes: length is what
 * that returned.
 */
bool filter_state_is_told(const char *status, long length, size_t bytes) HIDDEN;

#endif
