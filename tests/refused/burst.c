/* SPDX-License-Identifier: MIT */
/*
 * A server's burst, for tests/refused/sandboxes: 64 MiB live, 512 MiB more of mixed sizes come and
 * go, then light load until the end of its input. Says "grown" and "freed" when it has.
 */
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	LIVE_MIB = 64,
	BURST_MIB = 512,
	LOW_BYTES = 64,
	DOUBLINGS = 10,
	BLOCKS_MOST = 1 << 21,
	LIGHT_MS = 50
};

static char *live[BLOCKS_MOST], *burst[BLOCKS_MOST];

/* Evenly over the doublings from 64 B to 64 KiB. */
static size_t next_size(void)
{
	static uint64_t state = 42;
	size_t low;

	state = state * 6364136223846793005u + 1442695040888963407u;
	low = (size_t)LOW_BYTES << (state >> 33) % DOUBLINGS;
	return low + (size_t)(state >> 40) % low;
}

static unsigned int grow(char **blocks, size_t mib)
{
	unsigned int count = 0;
	size_t left = mib << 20;

	while (left && count < BLOCKS_MOST) {
		size_t bytes = next_size();

		bytes = bytes < left ? bytes : left;
		blocks[count] = malloc(bytes);
		if (!blocks[count])
			_exit(1);
		memset(blocks[count++], 1, bytes);
		left -= bytes;
	}
	return count;
}

static void say(const char *word)
{
	if (write(STDOUT_FILENO, word, strlen(word)) < 0)
		_exit(1);
}

int main(void)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	unsigned int i, count;

	grow(live, LIVE_MIB);
	count = grow(burst, BURST_MIB);
	say("grown\n");
	for (i = 0; i < count; i++)
		free(burst[i]);
	say("freed\n");
	while (poll(&input, 1, LIGHT_MS) == 0)
		free(malloc(next_size()));
	_exit(0);
}
