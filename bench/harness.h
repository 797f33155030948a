/* SPDX-License-Identifier: MIT */
/*
 * What every workload of the bench shares: a clock, a seeded generator, tables that
 * do not come from the allocator under test, and the one line a row prints.
 * Called by workloads.c and by each workload; never allocates with malloc.
 */
#ifndef BENCH_HARNESS_H
#define BENCH_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	BENCH_PAGE_BYTES = 4096,
	BENCH_CAP_MS = 700,
};

#define BENCH_KIB ((size_t)1 << 10)
#define BENCH_MIB ((size_t)1 << 20)

/* One row: a workload with its parameters; what they mean is the workload's affair. */
struct bench_row {
	const char *name;
	void (*run)(const struct bench_row *row);
	uint64_t operations; /* asked for; a slow allocator may do fewer */
	size_t low_bytes;
	size_t high_bytes;
	unsigned int live; /* blocks alive at once */
	unsigned int threads;
};

/*
 * The timed part of a row, in rounds: while (bench_timing_next(&timing)) { one round }.
 * It ends after the row's operations, or BENCH_CAP_MS after the start, so that a row on
 * which some allocator is a hundred times slower does not hold up the whole bench.
 */
struct bench_timing {
	uint64_t operations;
	uint64_t cap_ns;   /* or after so long; BENCH_ROUNDS=n: n rounds, however long */
	uint64_t done;
	uint64_t round;	   /* operations in one round */
	uint64_t start_ns; /* 0: not begun */
	uint64_t end_ns;
};

uint64_t harness_now_ns(void);
uint64_t harness_operations(const struct bench_row *row);
uint64_t harness_seed(void);
void *harness_map(size_t bytes);
void harness_pin(void);
/* The line: row operations seconds peak-KiB resident-KiB minor-faults. */
void harness_print(const struct bench_row *row, uint64_t operations, uint64_t elapsed_ns);
/* The same, of a row whose sizes are others. */
void harness_print_sizes(const struct bench_row *row, uint64_t operations,
			 uint64_t elapsed_ns, unsigned long peak_kib,
			 unsigned long end_kib);
void harness_fail(const char *what) __attribute__((noreturn));

void harness_timing_begin(struct bench_timing *timing, const struct bench_row *row,
			  uint64_t round);
bool harness_timing_next(struct bench_timing *timing);
void harness_timing_print(const struct bench_timing *timing, const struct bench_row *row);

/* xorshift64*: the same sequence under every allocator, from a seed that is not 0. */
static inline uint64_t harness_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return (x * UINT64_C(0x2545F4914F6CDD1D)) >> 32;
}

/* A size between the row's limits, both included; high - low must fit in 32 bits. */
static inline size_t harness_size(uint64_t *state, const struct bench_row *row)
{
	uint64_t span = row->high_bytes - row->low_bytes + 1;

	return row->low_bytes + (size_t)((harness_random(state) * span) >> 32);
}

/* Writes into each page of a part of a block, as a program that fills it would. */
static inline void harness_touch(void *block, size_t from, size_t to)
{
	volatile char *bytes = block;

	for (size_t at = from; at < to; at += BENCH_PAGE_BYTES)
		bytes[at] = 1;
	if (to > from)
		bytes[to - 1] = 1;
}

#endif
