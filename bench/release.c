/* SPDX-License-Identifier: MIT */
/*
 * Memory over time after a program stops using it: "release SCENARIO BLOCK_BYTES MIB", with
 * any allocator preloaded. A line a quarter of a second: seconds since the last free,
 * resident MiB, MiB in use, µs of processor time of the program's own thread and of all.
 *
 *   burst       everything is freed at once
 *   survivors   1 block in 100 is kept
 *   saw         freed and allocated again, four times a second
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINES = 24, TEETH = 4, KEPT_ONE_IN = 100 };

static char **blocks;
static size_t block_bytes, block_count;

static double seconds(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static size_t resident_mib(void)
{
	size_t total, resident = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (!file || fscanf(file, "%zu %zu", &total, &resident) != 2)
		exit(EXIT_FAILURE);
	fclose(file);
	return resident * (size_t)sysconf(_SC_PAGESIZE) >> 20;
}

static void allocate(void)
{
	for (size_t i = 0; i < block_count; i++) {
		if (blocks[i])
			continue;
		blocks[i] = malloc(block_bytes);
		if (!blocks[i])
			exit(EXIT_FAILURE);
		memset(blocks[i], 1, block_bytes);
	}
}

static size_t free_but_one_in(size_t kept_one_in)
{
	size_t kept = 0;

	for (size_t i = 0; i < block_count; i++) {
		if (kept_one_in && i % kept_one_in == 0) {
			kept++;
			continue;
		}
		free(blocks[i]);
		blocks[i] = NULL;
	}
	return kept * block_bytes >> 20;
}

static void watch(size_t in_use_mib)
{
	double began = seconds(CLOCK_MONOTONIC);

	for (int i = 0; i < LINES; i++) {
		printf("%.2f %zu %zu %.0f %.0f\n", seconds(CLOCK_MONOTONIC) - began,
		       resident_mib(), in_use_mib, seconds(CLOCK_THREAD_CPUTIME_ID) * 1e6,
		       seconds(CLOCK_PROCESS_CPUTIME_ID) * 1e6);
		fflush(stdout);
		usleep(250000);
	}
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: release burst|survivors|saw BLOCK_BYTES MIB\n");
		return 2;
	}
	block_bytes = strtoul(argv[2], NULL, 10);
	block_count = (strtoul(argv[3], NULL, 10) << 20) / block_bytes;
	blocks = calloc(block_count, sizeof(*blocks));
	if (!blocks)
		return EXIT_FAILURE;
	allocate();
	for (int tooth = 0; !strcmp(argv[1], "saw") && tooth < TEETH * 4; tooth++) {
		free_but_one_in(0);
		usleep(1000000 / TEETH);
		allocate();
	}
	watch(free_but_one_in(strcmp(argv[1], "survivors") ? 0 : KEPT_ONE_IN));
	return EXIT_SUCCESS;
}
