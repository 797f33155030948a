/* SPDX-License-Identifier: MIT */
/*
 * Other processes, and what the kernel says of this one: a program started with its
 * output kept, the resident size. For cases that must be seen from outside.
 */
#ifndef TESTS_CONTRACT_PROCESS_H
#define TESTS_CONTRACT_PROCESS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { CHILD_TEXT_BYTES = 1 << 16 };

struct child {
	int status;			/* as wait gives it */
	char output[CHILD_TEXT_BYTES];	/* its standard output, cut to fit */
	char errors[CHILD_TEXT_BYTES];	/* its standard error, cut to fit */
};

/* changes: "NAME=value" to set, "NAME" to unset; NULL ends both lists. */
void child_run(struct child *child, const char *const argv[],
	       const char *const changes[]);
/* This program once more, for one of its cases or parts. */
void child_run_case(struct child *child, const char *name, const char *argument,
		    const char *const changes[]);
bool child_succeeded(const struct child *child);

uint64_t now_us(void);

/*
 * Rounds that are all alike: `most` of them, but none begins when those before have taken
 * CONTRACT_SECONDS (5): where a page fault is dear, or fifty refusals are tried, fewer tell
 * as much. Two there always are.
 */
struct rounds {
	size_t most;
	size_t count;		/* with the one that has begun */
	uint64_t begun_us;
};

bool next_round(struct rounds *rounds);

/* A file without a name, of memory or in /tmp, closed on exec. */
int scratch_file(const char *name);

/* Waits for a forked child; fails the case unless it exits with 0. */
void expect_success(int pid);

/* Skips the case where the kernel starts no thread, or gives no memory back. */
void need_threads(void);
/* The same, as pthread_create in a case. */
void start_thread(pthread_t *thread, const pthread_attr_t *attributes,
		  void *(*body)(void *argument), void *argument);
void need_madvise(void);
void need_proc(void);
/* Skips where no helper can be; or where the library would start none unless told to. */
void need_helper_possible(void);
void need_helper_allowed(void);
/* A filter in force costs more than what it refuses: what_else. */
void skip_under_filter(const char *what_else);

size_t resident_bytes(void);
/* 0 when there is no such line in the file. */
size_t kib_of_line(const char *file, const char *line);

#ifdef __cplusplus
}
#endif

#endif
