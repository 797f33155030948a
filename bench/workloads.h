/* SPDX-License-Identifier: MIT */
/*
 * The workloads' entry points, one for each source file; workloads.c holds the table
 * of rows that calls them.
 */
#ifndef BENCH_WORKLOADS_H
#define BENCH_WORKLOADS_H

#include "bench/harness.h"

void random_mixed_run(const struct bench_row *row);
void lifo_run(const struct bench_row *row);
void pair_run(const struct bench_row *row);
void producer_consumer_run(const struct bench_row *row);
void exchange_run(const struct bench_row *row);
void larson_run(const struct bench_row *row);
void aligned_pair_run(const struct bench_row *row);
void aligned_mixed_run(const struct bench_row *row);
void handover_run(const struct bench_row *row);
void idle_threads_run(const struct bench_row *row);
void first_work_run(const struct bench_row *row);
void threads_run(const struct bench_row *row);
void large_turns_run(const struct bench_row *row);
void messages_run(const struct bench_row *row);
void free_tail_run(const struct bench_row *row);
void fork_free_all_run(const struct bench_row *row);
void fork_free_some_run(const struct bench_row *row);
void sessions_run(const struct bench_row *row);
void phases_run(const struct bench_row *row);
void short_threads_run(const struct bench_row *row);
void growth_free_all_run(const struct bench_row *row);
void growth_free_most_run(const struct bench_row *row);
void large_blocks_run(const struct bench_row *row);
void realloc_geometric_run(const struct bench_row *row);
void realloc_steps_run(const struct bench_row *row);

#endif
