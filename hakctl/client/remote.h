/* SPDX-License-Identifier: MIT */
/*
 * The memory of another process, read from outside: it need not answer, nor run. snapshot.c and
 * outside.c read what its library exports.
 */
#ifndef HAKCTL_CLIENT_REMOTE_H
#define HAKCTL_CLIENT_REMOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hakctl/output/failure.h"
#include "hakctl/client/process.h"

/* All of it or nothing; errno says why. */
bool remote_read(const struct process *process, uint64_t from, void *to, size_t bytes);

/* Where a variable is that the library exports. */
bool remote_find(const struct process_library *library, const char *symbol, uint64_t *address,
		 struct failure *failure);

#endif
