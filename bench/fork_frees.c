/* SPDX-License-Identifier: MIT */
/*
 * What a child copies when it frees what it has inherited: 256 MiB of blocks, all of them
 * freed in an order that is not the addresses', as when a table is dropped; or every 50th,
 * as a worker of a preforking server does, which then allocates as many again.
 * One operation is a free in the child. Sizes are not resident ones, but what has become the
 * child's alone (private dirty): after the frees, and when it has allocated.
 */
#include "bench/workloads.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/process_view.h"

enum {
	SEED = 42,
	SOME_ONE_IN = 50,
};

static void make_blocks(char **blocks, const struct bench_row *row)
{
	for (unsigned int i = 0; i < row->live; i++) {
		blocks[i] = malloc(row->low_bytes);
		if (!blocks[i])
			harness_fail("malloc failed");
		memset(blocks[i], 1, row->low_bytes);
	}
}

static void shuffle(char **blocks, unsigned int count)
{
	uint64_t state = SEED;

	for (unsigned int i = count - 1; i > 0; i--) {
		unsigned int other = (unsigned int)(harness_random(&state) % (i + 1));
		char *moved = blocks[other];

		blocks[other] = blocks[i];
		blocks[i] = moved;
	}
}

static void act_as_child(char **blocks, const struct bench_row *row, unsigned int one_in)
{
	unsigned long begin_kib = process_view_memory().private_dirty_kib;
	unsigned long freed_kib;
	uint64_t start_ns = harness_now_ns();
	uint64_t elapsed_ns;

	for (unsigned int i = 0; i < row->live; i += one_in)
		free(blocks[i]);
	elapsed_ns = harness_now_ns() - start_ns;
	freed_kib = process_view_memory().private_dirty_kib;
	for (unsigned int i = 0; one_in > 1 && i < row->live; i += one_in)
		if (!malloc(row->low_bytes))
			harness_fail("malloc failed");
	harness_print_sizes(row, (row->live + one_in - 1) / one_in, elapsed_ns,
			    freed_kib - begin_kib,
			    process_view_memory().private_dirty_kib - begin_kib);
	_exit(0);
}

static void fork_and_free(const struct bench_row *row, bool all)
{
	char **blocks = harness_map(row->live * sizeof(*blocks));
	int status;
	pid_t child;

	make_blocks(blocks, row);
	if (all)
		shuffle(blocks, row->live);
	child = fork();
	if (!child)
		act_as_child(blocks, row, all ? 1 : SOME_ONE_IN);
	if (child < 0 || waitpid(child, &status, 0) != child || status)
		harness_fail("no child, or it died");
}

void fork_free_all_run(const struct bench_row *row)
{
	fork_and_free(row, true);
}

void fork_free_some_run(const struct bench_row *row)
{
	fork_and_free(row, false);
}
