/* SPDX-License-Identifier: MIT */
/*
 * numa SCENARIO OPERATIONS says where the pages of live blocks are, by allocators that know
 * nothing of it: it is preloaded with one. One line:
 *	placed BLOCKS RIGHT PAGES RIGHT FAULTS CALLS OTHERS PEAK-KIB
 * RIGHT are those on the node of the thread that allocated them. Faults and memory system
 * calls are those of the threads that allocate; OTHERS are calls of threads that the
 * allocator has started. It is run in a guest: see numa.py.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "bench/call_counter.h"
#include "tests/contract/case.h"
#include "tests/numa/passing.h"

enum { MOVES = 5, COUNTERS_MAX = 128 };

static int counters[COUNTERS_MAX];
static _Atomic unsigned int counter_count;

/* Each thread, at its beginning. */
static void count_calls(void)
{
	unsigned int place = atomic_fetch_add(&counter_count, 1);

	CHECK(place < COUNTERS_MAX);
	counters[place] = call_counter_open(false);
}

static size_t run(const char *scenario, unsigned int operations)
{
	struct passing passing = { .operations = operations, .begin = count_calls };

	if (strcmp(scenario, "short") == 0)
		return passing_run_short(count_calls);
	if (strcmp(scenario, "move") == 0)
		passing.moves = MOVES;
	return passing_run(&passing);
}

int main(int argc, char **argv)
{
	unsigned long long own = 0, all;
	int counter_of_all, counter_of_main;
	struct placed_blocks found;
	struct rusage usage;
	size_t faults;

	if (argc != 3) {
		fprintf(stderr, "usage: numa pass|move|short OPERATIONS\n");
		return 2;
	}
	counter_of_all = call_counter_open(true);
	counter_of_main = call_counter_open(false);
	faults = run(argv[1], (unsigned int)atoi(argv[2]));
	all = call_counter_read(counter_of_all) - call_counter_read(counter_of_main);
	for (unsigned int i = 0; i < counter_count; i++)
		own += call_counter_read(counters[i]);
	found = strcmp(argv[1], "short") == 0 ? passing_count_short() : passing_count();
	getrusage(RUSAGE_SELF, &usage);
	printf("placed %zu %zu %zu %zu %zu %llu %llu %ld\n", found.blocks, found.blocks_right,
	       found.pages.pages, found.pages.right, faults, own, all - own, usage.ru_maxrss);
	return 0;
}
