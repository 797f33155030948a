/* SPDX-License-Identifier: MIT */
/*
 * What the tests of populating share: growing a heap, the library's own counters, the
 * helper's thread, and waiting for something to become true. No state.
 */
#ifndef TESTS_POPULATE_WATCH_H
#define TESTS_POPULATE_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SUPERSLAB_BYTES ((size_t)2 << 20)

/* A counter of hak_stats_read, which must exist. */
size_t counter(const char *name);
/* What hak_mode says; good until the next call. */
const char *mode(void);

/* 0: this process has no helper. */
pid_t helper_task(void);
/* What a program grows by at most until its helper is there, on however busy a machine. */
#define STARTING_BYTES ((size_t)256 << 20)

/* Grows until the helper runs and has populated something; skips where it cannot. */
void start_helper(void);
/* Grows until the helper has populated more than before; false: it has not in so many bytes. */
bool grow_until_helped(size_t before, size_t most);

/* setting: one of "[always]", "[madvise]", "[never]"; false too where there are none. */
bool huge_pages_are(const char *setting);

/* Skips where memory is locked that may not grow by much: allocations fail, and shall. */
void need_lockable_memory(void);

void sleep_ms(unsigned int ms);
/* Asks every 5 ms until it says true; false: it did not within the time. */
bool wait_for(bool (*condition)(void), unsigned int ms);
/* Takes and counts agree and nothing moves any more: what a ledger needs. */
void wait_for_quiet(void);

/* Blocks of one size, each filled with a pattern, in a list through their first words. */
struct growth {
	void *last;
	size_t block_bytes, blocks;
};

/* pause_us: after each MiB, so that the helper keeps up; 0: none. */
void growth_add(struct growth *growth, size_t bytes, unsigned int pause_us);
/* Fails the case unless every byte is what was written. */
void growth_check(const struct growth *growth);
void growth_free(struct growth *growth);

size_t populated_ahead(void);
size_t mapping_count(void);

/* Field NAME of the status of one task of this process, as text behind the tab. */
bool task_status(pid_t task, const char *name, char *text, size_t room);

#endif
