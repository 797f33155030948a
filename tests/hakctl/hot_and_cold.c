/* SPDX-License-Identifier: MIT */
/*
 * A program with a heap of 128 MiB, of which it writes to the first eighth again and again:
 * for the map of what is hot. Prints "ready" and goes on until it is killed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCKS = 2048, BLOCK_BYTES = 65536, HOT_BLOCKS = BLOCKS / 8 };

int main(void)
{
	static char *blocks[BLOCKS];

	for (int i = 0; i < BLOCKS; i++) {
		blocks[i] = malloc(BLOCK_BYTES);
		if (!blocks[i])
			return 1;
		memset(blocks[i], 1, BLOCK_BYTES);
	}
	puts("ready");
	fflush(stdout);
	for (;;) {
		for (int i = 0; i < HOT_BLOCKS; i++)
			for (int j = 0; j < BLOCK_BYTES; j += 4096)
				blocks[i][j]++;
		usleep(5000);
	}
}
