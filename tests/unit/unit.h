/* SPDX-License-Identifier: MIT */
/*
 * unit.h - what the unit tests share: one runner, standard error caught, children, threads,
 * random numbers, and memory that shows whether it was written to.
 *
 * Check runs every test in a process of its own, so the allocator is fresh in each; the
 * runner itself never allocates from it.
 */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__SANITIZE_THREAD__)
#define UNIT_SANITIZES_THREADS true
#else
#define UNIT_SANITIZES_THREADS false
#endif
/* A sanitizer maps memory of its own, which limits and shims would deny it. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNIT_SANITIZED true
#else
#define UNIT_SANITIZED false
#endif

#define UNIT_TEXT_BYTES 4096

/* Check would note the place of each assertion in a file, and some tests make millions. */
#define _mark_point(file, line) ((void)0)

/* main(): begin, add tests to the case, return the end's value. */
TCase *unit_begin(const char *name);
/* The same, of what puts itself between two files by --wrap; exits with 77 where nobody can. */
TCase *unit_begin_between(const char *name);
int unit_end(void);

/* if (unit_skip_if(…)) return; says that the rest of the test was left out, and why. */
bool unit_skip_if(bool is_impossible, const char *why);

/* In a test: what is written to standard error between the two, as a string. */
void unit_catch_begin(void);
const char *unit_catch_end(void);

/* Calls act(argument) in a child process; returns its wait status. text: its standard error. */
int unit_child(void (*act)(void *argument), void *argument, char text[UNIT_TEXT_BYTES]);

/* act(argument) must abort, after this message (without "hakmem: ") and nothing else. */
void unit_expect_abort(void (*act)(void *argument), void *argument, const char *format,
		       ...) __attribute__((format(printf, 3, 4)));

/* Runs act(0) … act(count - 1) in threads at once, and waits for them. */
#define UNIT_THREADS_MAX 64
void unit_threads(unsigned count, void (*act)(unsigned number));

/* A sequence that the seed determines; a test says its seed, UNIT_SEED repeats it. */
struct unit_random {
	uint64_t state;
};

struct unit_random unit_random_begin(void);
struct unit_random unit_random_of_thread(struct unit_random random, unsigned number);
uint64_t unit_random_next(struct unit_random *random);
/* from … to, both included */
size_t unit_random_between(struct unit_random *random, size_t from, size_t to);
void unit_shuffle(struct unit_random *random, void **array, size_t count);

/* Marks one word in every 4 KiB, and the last; a sparse pattern keeps tests small. */
void unit_fill(void *block, size_t bytes, uint64_t mark);
bool unit_is_filled(const void *block, size_t bytes, uint64_t mark);
/* The words that unit_fill would mark, and those between, all are zero. */
bool unit_is_zero(const void *block, size_t bytes);

#endif
