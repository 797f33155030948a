/* SPDX-License-Identifier: MIT */
/*
 * How misuse is tested: a part commits it, in a process of its own, after it announced
 * the message that must follow; the case that started it compares and wants SIGABRT.
 */
#ifndef TESTS_MISUSE_MISUSE_H
#define TESTS_MISUSE_MISUSE_H

#include <stddef.h>

/* In a part: one line that standard error may consist of, without "hakmem: ". */
__attribute__((format(printf, 1, 2)))
void announce(const char *format, ...);

/* In a case: runs the part; it must abort with one of the lines it announced. */
void expect_abort(const char *part, const char *argument);
/* The same for each size class to 1 MiB; the part reads it by announced_size. */
void expect_abort_in_every_class(const char *part);
/* For the slow ones: some classes of each kind. */
void expect_abort_in_some_classes(const char *part);
size_t announced_size(void);

/* C23's free_sized, which the C library that we build with may not have. */
void free_as(void *block, size_t size);

/* The name of a block's class in messages: what can be used of it. */
size_t class_of(void *block);

#endif
