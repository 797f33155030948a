/* SPDX-License-Identifier: MIT */
/*
 * size_class.c - the table of size classes, computed once when the process starts.
 */
#include <config.h>

#include "support/size_class.h"

struct size_class size_class_table[CLASS_COUNT];

#define SLAB_UNITS_MAX	16

#define COLOUR			64
#define COLOURED_LEAST		(4 * KiB)
#define COLOURED_MOST		(32 * KiB)

/* The largest request that the class is for. */
static uint32_t class_request(unsigned class)
{
	unsigned step, log2;

	if (class >= CLASS_BETWEEN_FIRST) {
		class += CLASS_BETWEEN_LOWER - CLASS_BETWEEN_FIRST;
		return (class_request(class) + class_request(class + 1)) / 2;
	}
	if (class >= CLASSES_BY_SIZE)
		return (uint32_t)COLOURED_LEAST << (class - CLASSES_BY_SIZE);
	if (class < CLASSES_LINEAR)
		return 16 * (class + 1);
	class -= CLASSES_LINEAR;
	if (class < CLASSES_FINE) {
		log2 = 8 + class / 8;
		step = class % 8;
		return (8 + step + 1) << (log2 - 3);
	}
	class -= CLASSES_FINE;
	log2 = 13 + class / 4;
	step = class % 4;
	return (4 + step + 1) << (log2 - 2);
}

static uint32_t class_size(unsigned class)
{
	uint32_t request = class_request(class);
	bool power_of_two = !(request & (request - 1));

	if (class < CLASSES_BY_SIZE && power_of_two && request >= COLOURED_LEAST &&
	    request <= COLOURED_MOST)
		return request + COLOUR;
	return request;
}

/*
 * A slab loses at most 1/32 of itself at its end, and holds 8 blocks or fits exactly. The shorter
 * it is, the sooner it is empty, and finds room among others.
 */
static unsigned class_units(uint32_t size)
{
	unsigned units;

	for (units = 1; units < SLAB_UNITS_MAX; units++) {
		size_t bytes = units * UNIT_SIZE;

		if (bytes % size == 0 && (size >= UNIT_SIZE || bytes / size >= 8))
			break;
		if (size < UNIT_SIZE && bytes / size >= 8 && bytes % size <= bytes / 32)
			break;
	}
	return units;
}

void size_class_init(void)
{
	unsigned i;

	for (i = 0; i < CLASS_COUNT; i++) {
		struct size_class *class = &size_class_table[i];
		uint64_t sixteenths;

		class->size = class_size(i);
		class->units = (uint16_t)class_units(class->size);
		class->capacity = (uint16_t)(class->units * UNIT_SIZE / class->size);
		sixteenths = class->size / 16;
		class->reciprocal = (((uint64_t)1 << 32) + sixteenths - 1) / sixteenths;
	}
}

/* Of a coloured class, the one of that power of two exactly; others stay. */
static unsigned without_colour(unsigned class, size_t size)
{
	unsigned log2 = 64 - (unsigned)__builtin_clzl(size - 1);
	size_t power = (size_t)1 << log2;

	if (power < COLOURED_LEAST || power > COLOURED_MOST || class != size_class_of(power))
		return class;
	return CLASSES_BY_SIZE + log2 - (unsigned)__builtin_ctzl(COLOURED_LEAST);
}

/*
 * The classes between two powers of two lie at equal steps. An alignment of a step or less
 * divides each of them; a multiple of a larger one is itself the size of one.
 */
unsigned size_class_of_aligned(size_t size, size_t alignment)
{
	if (size > CLASS_SIZE_MAX)
		return CLASS_NONE;
	size = align_up(max_size(size, 1), alignment);
	if (size <= BLOCK_ALIGNMENT)
		return 0;
	return without_colour(size_class_of(size), size);
}

unsigned size_class_of_whole_slab(size_t size)
{
	unsigned class = size_class_of(size);

	if (size <= UNIT_SIZE)
		return CLASS_ALIGNED_UNIT;
	while (size_class_table[class].capacity > 1)	/* 1 MiB's is one block */
		class++;
	return class;
}
