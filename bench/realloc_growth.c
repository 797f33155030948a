/* SPDX-License-Identifier: MIT */
/*
 * Buffers that grow with realloc, as vectors and string builders do: by half of their
 * size (geometric), or by a fixed step; the new part is written. A small block is made
 * after each step, so that the buffer is not always the last one of the heap. One
 * operation is one realloc.
 */
#include "bench/workloads.h"

#include <stdlib.h>

enum {
	NEIGHBOURS = 64,
	NEIGHBOUR_BYTES = 48,
};

static void *neighbours[NEIGHBOURS];

static void make_neighbour(uint64_t step)
{
	void **slot = &neighbours[step % NEIGHBOURS];

	free(*slot);
	*slot = malloc(NEIGHBOUR_BYTES);
	if (!*slot)
		harness_fail("malloc failed");
}

static char *grow_to(char *buffer, size_t from, size_t to)
{
	buffer = realloc(buffer, to);
	if (!buffer)
		harness_fail("realloc failed");
	harness_touch(buffer, from, to);
	return buffer;
}

/* One buffer from low to high; returns how many times it was reallocated. */
static uint64_t grow_geometric(const struct bench_row *row)
{
	size_t bytes = row->low_bytes;
	char *buffer = grow_to(NULL, 0, bytes);
	uint64_t steps = 0;

	while (bytes < row->high_bytes) {
		size_t next = bytes + bytes / 2;

		if (next > row->high_bytes)
			next = row->high_bytes;
		buffer = grow_to(buffer, bytes, next);
		bytes = next;
		make_neighbour(steps++);
	}
	free(buffer);
	return steps;
}

static uint64_t grow_by_steps(const struct bench_row *row)
{
	size_t step_bytes = row->live;
	size_t bytes = row->low_bytes;
	char *buffer = grow_to(NULL, 0, bytes);
	uint64_t steps = 0;

	while (bytes + step_bytes <= row->high_bytes) {
		buffer = grow_to(buffer, bytes, bytes + step_bytes);
		bytes += step_bytes;
		make_neighbour(steps++);
	}
	free(buffer);
	return steps;
}

static void realloc_run(const struct bench_row *row,
			uint64_t (*grow)(const struct bench_row *row))
{
	struct bench_timing timing;
	uint64_t steps = grow(row);

	harness_timing_begin(&timing, row, steps);
	while (harness_timing_next(&timing))
		grow(row);
	harness_timing_print(&timing, row);
}

void realloc_geometric_run(const struct bench_row *row)
{
	realloc_run(row, grow_geometric);
}

/* the row's live is the step in bytes */
void realloc_steps_run(const struct bench_row *row)
{
	realloc_run(row, grow_by_steps);
}
