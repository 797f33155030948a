/* SPDX-License-Identifier: MIT */
/*
 * What calloc of a used block may do: clear it, or drop its pages. For sizes from 1 to 64 MiB it
 * prints, in microseconds, least of a few rounds: clearing all; dropping all; dropping, and then a
 * first touch of a tenth, of a half and of all of its pages. huge: the same on huge pages.
 */
#include "bench/harness.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LEAST_BYTES BENCH_MIB
#define MOST_BYTES  (64 * BENCH_MIB)
#define HUGE_BYTES  (2 * BENCH_MIB)

enum { ROUNDS = 9, NS_PER_US = 1000 };

/* Of its pages, in tenths. */
static const unsigned int shares[] = { 0, 1, 5, 10 };

static uint64_t clear(char *block, size_t bytes)
{
	uint64_t start_ns = harness_now_ns();

	memset(block, 0, bytes);
	__asm__ volatile("" : : "r"(block) : "memory");
	return harness_now_ns() - start_ns;
}

static uint64_t drop(char *block, size_t bytes, unsigned int tenths)
{
	uint64_t start_ns = harness_now_ns();

	if (madvise(block, bytes, MADV_DONTNEED))
		harness_fail("memory cannot be dropped");
	harness_touch(block, 0, bytes / 10 * tenths);
	return harness_now_ns() - start_ns;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void print_size(char *block, size_t bytes)
{
	uint64_t cleared_ns = UINT64_MAX;

	for (unsigned int round = 0; round < ROUNDS; round++) {
		memset(block, 1, bytes);
		cleared_ns = least(cleared_ns, clear(block, bytes));
	}
	printf("%3zu MiB: cleared %llu us; dropped", bytes / BENCH_MIB,
	       (unsigned long long)cleared_ns / NS_PER_US);
	for (unsigned int i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		uint64_t dropped_ns = UINT64_MAX;

		for (unsigned int round = 0; round < ROUNDS; round++) {
			memset(block, 1, bytes);
			dropped_ns = least(dropped_ns, drop(block, bytes, shares[i]));
		}
		printf("%s %llu", i ? "," : "", (unsigned long long)dropped_ns / NS_PER_US);
	}
	puts(" us with 0, 10, 50, 100 % touched after it");
}

int main(int argc, char **argv)
{
	bool huge = argc == 2 && strcmp(argv[1], "huge") == 0;
	char *block;

	if (argc > 2 || (argc == 2 && !huge))
		harness_fail("usage: clear [huge]");
	harness_pin();
	block = mmap(NULL, MOST_BYTES + HUGE_BYTES, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (block == MAP_FAILED)
		harness_fail("no memory");
	block += -(uintptr_t)block % HUGE_BYTES;
	madvise(block, MOST_BYTES, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	for (size_t bytes = LEAST_BYTES; bytes <= MOST_BYTES; bytes *= 2)
		print_size(block, bytes);
	return 0;
}
