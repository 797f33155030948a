/* SPDX-License-Identifier: MIT */
/*
 * A heap that grows by blocks of BYTES, MIB a second for SECONDS, all written to, and tells in a
 * mapped file at every moment how many bytes of them live: for numbers_are_true_or_have_an_age.sh.
 *
 *   growing_heap BYTES MIB SECONDS FILE [THREADS]
 */
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static _Atomic uint64_t *live;
static double rate, end, began;
static size_t bytes;

static void *grow(void *unused)
{
	while (now() < end) {
		while ((double)*live < (now() - began) * rate) {
			char *block = malloc(bytes);

			if (!block)
				exit(1);
			memset(block, 1, bytes);
			*live += malloc_usable_size(block);
		}
		usleep(2000);
	}
	for (;;)
		pause();
	return unused;
}

int main(int argc, char **argv)
{
	pthread_t other;
	int file;

	if (argc != 5 && argc != 6)
		return 2;
	began = now();
	bytes = strtoul(argv[1], NULL, 10);
	rate = strtod(argv[2], NULL) * 1048576;
	end = began + strtod(argv[3], NULL);
	file = open(argv[4], O_RDWR | O_CREAT, 0600);
	if (file < 0 || ftruncate(file, 4096) != 0)
		return 1;
	live = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (live == MAP_FAILED)
		return 1;
	for (int i = 1; argc == 6 && i < atoi(argv[5]); i++)
		if (pthread_create(&other, NULL, grow, NULL) != 0)
			return 1;
	grow(NULL);
}
