/* SPDX-License-Identifier: MIT */
/*
 * size_class.h - the sizes of blocks, by arithmetic alone.
 *
 * 16 B steps to 256 B, then 8 classes a doubling to 8 KiB (at most 12.5 % lost), then 4 to
 * 1 MiB. A slab of a class is a run of 64 KiB units; its blocks lie back to back from its
 * start, so a block is aligned to the largest power of two that divides its size (64 KiB
 * at most). Used by every layer; knows no memory.
 *
 * Buffers of 4 to 32 KiB are mostly of a power of two. Back to back, their first lines would
 * all fall into the same few sets of the processor's caches, so those classes are one line
 * larger (colouring: Bonwick, USENIX 1994); who asks for alignment gets a class of
 * its own. So does who asks for more than 64 KiB of it: the few places so aligned are not
 * to be used up by others. Classes halfway are for who has many blocks of a size.
 */
#ifndef HAKMEM_SUPPORT_SIZE_CLASS_H
#define HAKMEM_SUPPORT_SIZE_CLASS_H

#include <stdbool.h>

#include "support/compiler.h"

#define BLOCK_ALIGNMENT		16
#define SMALL_SIZE_LIMIT	(8 * KiB)	/* sizes below take the one fast path */
#define CLASS_SIZE_MAX		(1 * MiB)	/* above: the large range */

#define CLASSES_LINEAR		16		/* 16, 32 … 256 B */
#define CLASSES_FINE		40		/* 288 B … 8 KiB, 8 a doubling */
#define CLASSES_COARSE		28		/* 10 KiB … 1 MiB, 4 a doubling */
#define CLASSES_BY_SIZE		(CLASSES_LINEAR + CLASSES_FINE + CLASSES_COARSE)
#define CLASSES_ALIGNED		5		/* 4, 8, 16, 32, 64 KiB exactly */
#define CLASS_ALIGNED_UNIT	(CLASS_BETWEEN_FIRST - 1)	/* for alignments above 64 KiB */
#define CLASS_BETWEEN_FIRST	(CLASSES_BY_SIZE + CLASSES_ALIGNED)
#define CLASSES_BETWEEN		8		/* 544, 608 … 992 B: see size_class_between */
#define CLASS_BETWEEN_LOWER	(CLASSES_LINEAR + 7)	/* 512 B: they lie above this one */
#define CLASS_COUNT		(CLASS_BETWEEN_FIRST + CLASSES_BETWEEN)
#define CLASS_NONE		0xffff

#define UNIT_SHIFT		16
#define UNIT_SIZE		((size_t)1 << UNIT_SHIFT)	/* 64 KiB */
#define SLAB_BLOCKS_MAX		(UNIT_SIZE / BLOCK_ALIGNMENT)

struct size_class {
	uint64_t reciprocal;	/* ceil(2^32 / (size / 16)), see size_class_block_index */
	uint32_t size;		/* bytes, a multiple of 16 */
	uint16_t capacity;	/* blocks in a slab */
	uint16_t units;		/* 64 KiB units in a slab */
};

extern struct size_class size_class_table[CLASS_COUNT] HIDDEN;

/* Fills the table; called once, before anything else of this file. */
void size_class_init(void);

/* size: 0 … CLASS_SIZE_MAX bytes. The class is one of the first CLASSES_BY_SIZE. */
static inline unsigned size_class_of(size_t size)
{
	unsigned log2;

	if (size <= 16 * CLASSES_LINEAR)
		return size ? (unsigned)(size - 1) / 16 : 0;
	log2 = 63 - (unsigned)__builtin_clzl(size - 1);
	if (size <= SMALL_SIZE_LIMIT)
		return CLASSES_LINEAR + (log2 - 8) * 8 + (((size - 1) >> (log2 - 3)) & 7);
	return CLASSES_LINEAR + CLASSES_FINE + (log2 - 13) * 4 +
	       (((size - 1) >> (log2 - 2)) & 3);
}

/* Classes that only alignments lead to. */
static inline bool size_class_is_aligned_only(unsigned class)
{
	return class >= CLASSES_BY_SIZE && class < CLASS_BETWEEN_FIRST;
}

/* The class halfway below a class of 576 B to 1 KiB; CLASS_NONE: it has none. */
static inline unsigned size_class_below(unsigned class)
{
	unsigned number = class - CLASS_BETWEEN_LOWER - 1;

	return number < CLASSES_BETWEEN ? CLASS_BETWEEN_FIRST + number : CLASS_NONE;
}

/*
 * The same, if it serves so many bytes: who has many blocks of the size does better with it than
 * with the class of the size, and who has few does not: every class has slabs of its own.
 */
static inline unsigned size_class_between(size_t size)
{
	unsigned below = size_class_below(size_class_of(size));

	return below != CLASS_NONE && size <= size_class_table[below].size ? below : CLASS_NONE;
}

/*
 * The smallest class for requests of size bytes whose blocks are aligned to alignment (a power
 * of two, 64 KiB at most); CLASS_NONE if that would be above CLASS_SIZE_MAX.
 */
unsigned size_class_of_aligned(size_t size, size_t alignment);

/* The smallest class whose slab is one block: its place in a superslab can be chosen. */
unsigned size_class_of_whole_slab(size_t size);

/*
 * offset: bytes from the start of a slab, below 1 MiB. Exact for every multiple of 16; the
 * multiplication replaces a division (Granlund and Montgomery, PLDI 1994).
 */
static inline unsigned size_class_block_index(const struct size_class *class, size_t offset)
{
	return (unsigned)(((offset >> 4) * class->reciprocal) >> 32);
}

#endif
