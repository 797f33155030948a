/* SPDX-License-Identifier: MIT */
/*
 * live MIB: so many MiB in blocks of 16 B to 1 KiB, written, that live at once; then it ends. What
 * else it needs is its stack: the blocks are chained through their first words.
 */
#include "bench/harness.h"

#include <stdlib.h>
#include <string.h>

enum { SEED = 42, LOW_BYTES = 16, MORE_BYTES = 1008 };

int main(int argc, char **argv)
{
	uint64_t left, state = SEED;
	void *last = NULL;

	if (argc != 2)
		harness_fail("usage: live MIB");
	for (left = strtoull(argv[1], NULL, 10) * BENCH_MIB; left;) {
		size_t bytes = LOW_BYTES + harness_random(&state) % (MORE_BYTES + 1);
		void **block = malloc(bytes);

		if (!block)
			harness_fail("malloc failed");
		memset(block, 1, bytes);
		*block = last;
		last = block;
		left -= left < bytes ? left : bytes;
	}
	return 0;
}
