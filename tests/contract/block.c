/* SPDX-License-Identifier: MIT */
/*
 * Patterns, size classes and random numbers for the tests; see block.h. Called by every
 * contract program; allocates only in size_classes_find.
 */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"

static uint64_t pattern_word(uint64_t tag, size_t index)
{
	return (tag + 1) * 0x9e3779b97f4a7c15u + index * 0xbf58476d1ce4e5b9u;
}

void pattern_write(void *block, size_t size, uint64_t tag)
{
	unsigned char *bytes = block;
	size_t words = size / sizeof(uint64_t);
	uint64_t word;

	for (size_t i = 0; i < words; i++) {
		word = pattern_word(tag, i);
		memcpy(bytes + i * sizeof(word), &word, sizeof(word));
	}
	word = pattern_word(tag, words);
	memcpy(bytes + words * sizeof(word), &word, size % sizeof(word));
}

bool pattern_holds(const void *block, size_t size, uint64_t tag)
{
	const unsigned char *bytes = block;
	size_t words = size / sizeof(uint64_t);
	uint64_t word, found;

	for (size_t i = 0; i < words; i++) {
		memcpy(&found, bytes + i * sizeof(found), sizeof(found));
		if (found != pattern_word(tag, i))
			return false;
	}
	word = pattern_word(tag, words);
	return !memcmp(bytes + words * sizeof(word), &word, size % sizeof(word));
}

bool all_zero(const void *block, size_t size)
{
	const unsigned char *bytes = block;

	return size == 0 || (bytes[0] == 0 && !memcmp(bytes, bytes + 1, size - 1));
}

bool is_aligned(const void *block, size_t alignment)
{
	return ((uintptr_t)block & (alignment - 1)) == 0;
}

uint64_t random_next(uint64_t *state)
{
	uint64_t value = *state += 0x9e3779b97f4a7c15u;

	value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
	value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
	return value ^ (value >> 31);
}

size_t random_size(uint64_t *state, size_t largest)
{
	unsigned int powers = 64 - (unsigned int)__builtin_clzll(largest);
	uint64_t bound = (uint64_t)2 << (random_next(state) % powers);
	size_t size = random_next(state) % bound;

	return size <= largest ? size : largest;
}

/*
 * A class is found by asking how much of a block may be used. An allocator with steps of
 * 16 bytes would give thousands of them: then only every n-th is kept, by ever larger
 * steps, so that both ends are there.
 */
size_t size_classes_find(size_t sizes[SIZE_CLASSES_ROOM], size_t largest)
{
	size_t count = 0, size = 1;

	while (size <= largest && count < SIZE_CLASSES_ROOM) {
		void *block = malloc(size);
		size_t usable = malloc_usable_size(block);

		CHECK_THAT(block && usable >= size, "malloc(%zu) has %zu usable bytes",
			   size, usable);
		free(block);
		if (usable > largest)
			break;
		sizes[count++] = usable;
		size = usable + 1 + usable / 16;
		/* small classes may be closer than that */
		if (usable < KIB)
			size = usable + 1;
	}
	return count;
}
