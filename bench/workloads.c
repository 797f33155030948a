/* SPDX-License-Identifier: MIT */
/*
 * workloads ROW runs one row and prints its line; workloads --list names the rows with
 * their number of threads and their sizes. One row a process, so that its peak resident
 * size is its own. The runner starts it; it calls plain malloc and free, whose they are
 * is decided by LD_PRELOAD.
 */
#include "bench/workloads.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define M(millions) (UINT64_C(1000000) * (millions))

#define MIB (BENCH_MIB)

/*
 * Operations are chosen for roughly a fifth of a second with a good allocator. Sizes of
 * 16 to 1039 bytes are the published 16 + (random & 0x3FF).
 */
/* clang-format off */
static const struct bench_row rows[] = {
	/* name, run, operations,                                low, high, live, threads */
	{ "pair_16", pair_run, M(32),                            16,    16,     1,    1 },
	{ "pair_1024", pair_run, M(32),                          1024,  1024,   1,    1 },
	{ "pair_4096", pair_run, M(24),                          4096,  4096,   1,    1 },
	{ "pair_8000", pair_run, M(24),                          8000,  8000,   1,    1 },
	{ "lifo_64", lifo_run, M(32),                            64,    64,     256,  1 },
	{ "lifo_1024", lifo_run, M(24),                          1024,  1024,   256,  1 },
	{ "lifo_4096", lifo_run, M(16),                          4096,  4096,   256,  1 },
	{ "lifo_8000", lifo_run, M(16),                          8000,  8000,   256,  1 },
	{ "lifo_32768", lifo_run, M(12),                         32768, 32768,  256,  1 },
	{ "random_mixed_256", random_mixed_run, M(20),           16,    1039,   256,  1 },
	{ "random_mixed_4096", random_mixed_run, M(16),          16,    1039,   4096, 1 },
	{ "random_mixed_1025_8191", random_mixed_run, M(12),     1025,  8191,   4096, 1 },
	{ "growth_free_all", growth_free_all_run, M(1),          16,    1024,   0,    1 },
	{ "growth_free_most", growth_free_most_run, M(1),        16,    1024,   0,    1 },
	{ "large_blocks", large_blocks_run, 64,                  MIB,   64*MIB, 6,    1 },
	{ "realloc_geometric", realloc_geometric_run, 150,       16,    64*MIB, 1,    1 },
	{ "realloc_steps_small", realloc_steps_run, M(8),        16,    65536,  48,   1 },
	{ "realloc_steps_large", realloc_steps_run, 200,         MIB,   64*MIB, MIB,  1 },
	{ "producer_consumer_2", producer_consumer_run, M(6),    16,    527,    0,    2 },
	{ "producer_consumer_8", producer_consumer_run, M(6),    16,    527,    0,    8 },
	{ "exchange_4", exchange_run, M(3),                      16,    4096,   0,    4 },
	{ "larson_4", larson_run, M(12),                         16,    1000,   1024, 4 },
	{ "lifo_4096_many", lifo_run, M(12),                     4096,  4096, 60000,  1 },
	{ "aligned_8", aligned_pair_run, M(24),                  48,    48,     8,    1 },
	{ "aligned_16", aligned_pair_run, M(24),                 48,    48,     16,   1 },
	{ "aligned_64", aligned_pair_run, M(24),                 48,    48,     64,   1 },
	{ "aligned_4096", aligned_pair_run, M(24),               48,    48,     4096, 1 },
	{ "aligned_mixed", aligned_mixed_run, M(8),              16,    1039,   256,  1 },
	{ "large_turns", large_turns_run, 400,                   5*MIB, 25*MIB, 20,   1 },
	{ "larson_2", larson_run, M(12),                         16,    1000,   1024, 2 },
	{ "handover_8", handover_run, M(4),                      16,    527,    1024, 8 },
	{ "handover_large", handover_run, 100000,                4096,  32768,  16,   2 },
	{ "idle_threads_1000", idle_threads_run, 1000,           16,    1039,   0,    1000 },
	{ "first_work_500", first_work_run, 500,                 16,    4096,   64,   500 },
	{ "threads_1000", threads_run, 1000,                     16,    4096,   64,   1000 },
	{ "messages_2", messages_run, M(16),                     64,    64,     0,    2 },
	{ "messages_8", messages_run, M(16),                     64,    64,     0,    8 },
	{ "messages_64", messages_run, M(16),                    64,    64,     0,    64 },
	{ "messages_256", messages_run, M(16),                   64,    64,     0,    256 },
	{ "free_tail", free_tail_run, M(8),                      16,    128,    1<<18, 1 },
	{ "fork_free_all", fork_free_all_run, 1,                 500,   500,  536870, 1 },
	{ "fork_free_some", fork_free_some_run, 1,               200,   200, 1342177, 1 },
	{ "sessions_1", sessions_run, 1500000,                   16,    12287,  0,    1 },
	{ "sessions_4", sessions_run, 1500000,                   16,    12287,  0,    4 },
	{ "phases", phases_run, 1,                               64,    8191,   0,    1 },
	{ "short_threads", short_threads_run, 2000,              16,    2048,   256,  4 },
};
/* clang-format on */

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static int list_rows(void)
{
	for (unsigned int i = 0; i < ROWS; i++)
		printf("%s %u %zu %zu\n", rows[i].name, rows[i].threads,
		       rows[i].low_bytes, rows[i].high_bytes);
	return 0;
}

static int run_row(const char *name)
{
	for (unsigned int i = 0; i < ROWS; i++) {
		if (strcmp(rows[i].name, name))
			continue;
		if (rows[i].threads == 1)
			harness_pin();
		rows[i].run(&rows[i]);
		return 0;
	}
	harness_fail("no such row; workloads --list names them");
}

/* As a process is that took a profile once: what is left of it is to cost nothing. */
static void take_profile(void)
{
	int (*ctl)(const char *name, size_t *value, const char *change);

	*(void **)&ctl = dlsym(RTLD_DEFAULT, "hak_ctl");
	free(malloc(1));
	if (!ctl || ctl("profile", NULL, "512K") || ctl("profile", NULL, "none"))
		harness_fail("no profile can be taken");
}

int main(int argc, char **argv)
{
	if (argc != 2)
		harness_fail("usage: workloads ROW, or workloads --list");
	if (!strcmp(argv[1], "--list"))
		return list_rows();
	if (getenv("BENCH_PROFILE_ENDED"))
		take_profile();
	return run_row(argv[1]);
}
