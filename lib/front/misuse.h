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

/* A large block that was freed. */
void misuse_double_free_large(const void *block) NORETURN;

/* bytes: what it was freed as; usable: what it is. */
void misuse_wrong_size(const void *block, size_t bytes, size_t usable) NORETURN;

/* A block that was just freed. */
void misuse_double_free(const void *block) NORETURN;

#endif
