/* SPDX-License-Identifier: MIT */
/*
 * misuse.h - what is wrong with a pointer that was given to us: a message, then abort. Off
 * every path that succeeds, but for the one question.
 */
#ifndef HAKMEM_FRONT_MISUSE_H
#define HAKMEM_FRONT_MISUSE_H

#include <stdbool.h>

#include "support/compiler.h"

/* In memory that the heap has opened. */
bool misuse_is_in_heap(const void *address);

/* verb: "free", "realloc", "malloc_usable_size". */
void misuse_explain(const char *verb, const void *address) NORETURN;

/* A block that was just freed. */
void misuse_double_free(const void *block) NORETURN;

#endif
