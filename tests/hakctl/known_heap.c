/* SPDX-License-Identifier: MIT */
/*
 * A heap whose truth is known: COUNT blocks of BYTES, every second freed, and one of LARGE bytes,
 * all written to. Prints what lives, as asked for and as its size classes have it, and waits; ends
 * with its input.
 *
 *   known_heap COUNT BYTES LARGE
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	size_t count, bytes, large, asked, usable;
	char byte, **blocks, *one;

	if (argc != 4)
		return 2;
	count = strtoul(argv[1], NULL, 10);
	bytes = strtoul(argv[2], NULL, 10);
	large = strtoul(argv[3], NULL, 10);
	blocks = malloc(count * sizeof(*blocks));
	one = malloc(large);
	if (!blocks || !one)
		return 1;
	memset(one, 1, large);
	for (size_t i = 0; i < count; i++) {
		blocks[i] = malloc(bytes);
		if (!blocks[i])
			return 1;
		memset(blocks[i], 1, bytes);
	}
	asked = count * sizeof(*blocks) + large + count / 2 * bytes;
	usable = malloc_usable_size(blocks) + malloc_usable_size(one) +
		 count / 2 * malloc_usable_size(blocks[0]);
	for (size_t i = 0; i < count; i += 2)
		free(blocks[i]);
	/* Without stdio, whose buffer would live as well. */
	dprintf(STDOUT_FILENO, "%zu %zu\n", asked, usable);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return one[large - 1] != 1;
}
