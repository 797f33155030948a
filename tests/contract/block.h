/* SPDX-License-Identifier: MIT */
/*
 * What the tests know of blocks: patterns that tell one block from every other, the size
 * classes of whatever allocator is under test, and numbers that look random. No state.
 */
#ifndef TESTS_CONTRACT_BLOCK_H
#define TESTS_CONTRACT_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define GIB ((size_t)1 << 30)

enum { SIZE_CLASSES_ROOM = 256 };

/* Fills distinct block sizes up to `largest`, ascending; returns how many. */
size_t size_classes_find(size_t sizes[SIZE_CLASSES_ROOM], size_t largest);

/* Every byte depends on the tag and on its own offset. */
void pattern_write(void *block, size_t size, uint64_t tag);
bool pattern_holds(const void *block, size_t size, uint64_t tag);
bool all_zero(const void *block, size_t size);
bool is_aligned(const void *block, size_t alignment);

uint64_t random_next(uint64_t *state);
/* Sizes from 0 to largest, each power of two as likely as any other. */
size_t random_size(uint64_t *state, size_t largest);

/* The compiler knows what malloc and free mean; these make it forget a value. */
static inline void *hidden(void *pointer)
{
	__asm__ volatile("" : "+r"(pointer) : : "memory");
	return pointer;
}

static inline size_t hidden_size(size_t size)
{
	__asm__ volatile("" : "+r"(size));
	return size;
}

#ifdef __cplusplus
}
#endif

#endif
