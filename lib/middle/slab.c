/* SPDX-License-Identifier: MIT */
/*
 * slab.c - see slab.h.
 */
#include <config.h>

#include "middle/slab.h"

#include "middle/slab_remote.h"
#include "support/invariant.h"
#include "support/log.h"

#define BITS_A_LINE	(8 * ARCH_CACHE_LINE_BYTES)
#define UNTOUCHED_BYTES	ARCH_LEAST_PAGE_BYTES
#define RECYCLED_BYTES	(16 * KiB)	/* instead, where another slab's pages are likely there */
#define RANDOM_BYTES	(16 * KiB)	/* of the untouched part, to choose from */

static void set_all_free(struct slab *slab, unsigned capacity)
{
	unsigned word;

	for (word = 0; word < capacity / 64; word++)
		slab->free_bits[word] = ~(uint64_t)0;
	if (capacity % 64)
		slab->free_bits[word] = ((uint64_t)1 << capacity % 64) - 1;
}

/* Every word: the sum, the lowest word in use, and that what was never handed out is free. */
static bool is_whole(const struct slab *slab)
{
	unsigned capacity = slab_class(slab)->capacity, index, free = 0;

	for (index = 0; index < capacity; index++) {
		bool is_free = slab->free_bits[index / 64] >> index % 64 & 1;

		free += is_free;
		if (is_free ? index / 64 < slab->first_word : index >= slab->untouched_from)
			return false;
	}
	return free == slab->free_blocks;
}

void slab_create(uint32_t first, unsigned class, struct heap *heap, bool zeroed)
{
	const struct size_class *of = &size_class_table[class];
	struct slab *slab = slab_unit(first);
	unsigned i;

	slab->free_blocks = of->capacity;
	slab->untouched_from = 0;
	slab->first_word = 0;
	slab->zeroed = zeroed;
	slab->listed = false;
	slab->brought = false;
	slab->frozen = false;
	slab->combed = 0;
	slab->holes = 0;
	atomic_store_explicit(&slab->guests, 0, memory_order_relaxed);
	slab->no_run = 0;
	slab->samples = 0;
	slab_remote_begin(slab);
	set_all_free(slab, of->capacity);
	for (i = 0; i < of->units; i++) {
		struct slab *unit = slab_unit(first + i);

		unit->position = (uint8_t)i;
		unit->class_mark = (uint16_t)(class + 1);
		/* relaxed: a block reaches another thread only by the program's own ordering */
		atomic_store_explicit(&unit->heap, heap, memory_order_relaxed);
	}
}

void slab_destroy(uint32_t first)
{
	unsigned i, units = slab_class(slab_unit(first))->units;

	INVARIANT(slab_unit(first)->free_blocks == slab_class(slab_unit(first))->capacity);
	INVARIANT(!slab_unit(first)->listed || slab_unit(first)->frozen);
	for (i = 0; i < units; i++)
		atomic_store_explicit(&slab_unit(first + i)->heap, NULL, memory_order_relaxed);
}

/* How many blocks may be taken at once: see slab_take_blocks. */
static unsigned batch(const struct slab *slab, const struct size_class *class, unsigned count)
{
	unsigned untouched = class->capacity - slab->untouched_from;
	unsigned limit = slab->free_blocks - untouched;

	if (limit == 0) {
		limit = size_class_block_index(class,
					       slab->zeroed ? UNTOUCHED_BYTES : RECYCLED_BYTES);
		if (limit == 0)
			limit = 1;
		if (limit > untouched)
			limit = untouched;
	}
	return count < limit ? count : limit;
}

unsigned slab_take_blocks(struct slab *slab, uint32_t first, void **blocks, unsigned count)
{
	const struct size_class *class = slab_class(slab);
	char *start = reservation_unit_start(first);
	unsigned word = slab->first_word, taken = 0, index = 0;

	count = batch(slab, class, count);
	while (taken < count) {
		uint64_t bits = slab->free_bits[word];

		while (bits && taken < count) {
			index = word * 64 + (unsigned)__builtin_ctzll(bits);
			blocks[taken++] = start + (size_t)index * class->size;
			bits &= bits - 1;
		}
		slab->free_bits[word] = bits;
		word += bits == 0;
	}
	/* At the very end of a full bitmap the next search starts from the last word. */
	slab->first_word = (uint8_t)(word < SLAB_BLOCKS_MAX / 64 ? word : SLAB_BLOCKS_MAX / 64 - 1);
	slab->combed = 0;
	slab->holes = 0;
	slab->free_blocks = (uint16_t)(slab->free_blocks - taken);
	if (taken && index >= slab->untouched_from)
		slab->untouched_from = (uint16_t)(index + 1);
	INVARIANT(is_whole(slab));
	return taken;
}

/* The first free block at or behind index, around the end; there must be one. */
static unsigned find_free(const struct slab *slab, unsigned index)
{
	/* Words behind the last block hold what another class left there. */
	unsigned words = (slab_class(slab)->capacity + 63u) / 64, word = index / 64;
	uint64_t bits = slab->free_bits[word] & ~(uint64_t)0 << index % 64;

	while (!bits) {
		word = (word + 1) % words;
		bits = slab->free_bits[word];
	}
	return word * 64 + (unsigned)__builtin_ctzll(bits);
}

void *slab_take_random_block(struct slab *slab, uint32_t first, uint64_t random)
{
	const struct size_class *class = slab_class(slab);
	unsigned reach = slab->untouched_from + (unsigned)(RANDOM_BYTES / class->size) + 1;
	unsigned among = reach < class->capacity ? reach : class->capacity;
	unsigned index = find_free(slab, (unsigned)(random % among));

	slab->free_bits[index / 64] &= ~((uint64_t)1 << index % 64);
	slab->combed = 0;
	slab->holes = 0;
	slab->free_blocks--;
	if (index >= slab->untouched_from)
		slab->untouched_from = (uint16_t)(index + 1);
	INVARIANT(is_whole(slab));
	return reservation_unit_start(first) + (size_t)index * class->size;
}

unsigned slab_block_index(const struct slab *slab, uint32_t first, const void *address)
{
	const struct size_class *class = slab_class(slab);
	size_t offset = (size_t)((const char *)address - reservation_unit_start(first));
	unsigned index = size_class_block_index(class, offset);

	return index < class->capacity ? index : class->capacity;
}

void NOINLINE slab_refuse(uint32_t first, void *block)
{
	const struct slab *slab = slab_unit(first);
	const struct size_class *class = slab_class(slab);
	unsigned index = slab_block_index(slab, first, block);
	char *start;

	if (index == class->capacity)
		log_fatal("free of %p, which is not a block of this heap", block);
	index = slab_guest_head(slab, index);
	start = reservation_unit_start(first) + (size_t)index * class->size;
	if (start != block)
		log_fatal("free of %p, which lies inside the block at %p (size class %u)", block,
			  (void *)start, class->size);
	log_fatal("double free of %p (size class %u)", block, class->size);
}

unsigned slab_put_blocks(struct slab *slab, uint32_t first, void *const *blocks, unsigned count)
{
	const struct size_class *class = slab_class(slab);
	char *start = reservation_unit_start(first);
	size_t size = class->size, bytes = class->units * UNIT_SIZE;
	unsigned lowest = slab->first_word, put, tails = 0;

	for (put = 0; put < count; put++) {
		size_t offset = (size_t)((char *)blocks[put] - start);
		unsigned index = size_class_block_index(class, offset);
		uint64_t bit = (uint64_t)1 << index % 64;

		if (offset >= bytes)
			break;
		if (unlikely(index * size != offset || index >= class->capacity ||
			     slab->free_bits[index / 64] & bit ||
			     (slab_guests(slab) && slab_guest_has_tail_at(slab, index))))
			slab_refuse(first, blocks[put]);
		slab->free_bits[index / 64] |= bit;
		if (unlikely(slab_guests(slab)))
			tails += slab_guest_put_tail(slab, index);
		lowest = index / 64 < lowest ? index / 64 : lowest;
	}
	slab->first_word = (uint8_t)lowest;
	if (slab->combed == SLAB_COMBED)
		slab->combed = SLAB_COMBED_ONCE;
	slab->no_run = 0;
	slab->free_blocks = (uint16_t)(slab->free_blocks + put + tails);
	INVARIANT(is_whole(slab));
	return put;
}

/*
 * Of blocks of many to a slab; where it is one unit, the word of the bit is known without the
 * record.
 */
static void fetch_words(const struct size_class *class, void *const *blocks, unsigned count)
{
	unsigned i;

	for (i = 0; i < count; i++) {
		const struct slab *slab = slab_unit(reservation_unit_of(blocks[i]));
		size_t offset = ((uintptr_t)blocks[i] - reservation.base) % UNIT_SIZE;

		fetch_to_write(slab);
		fetch_to_write(&slab->free_bits[size_class_block_index(class, offset) / 64]);
	}
}

/* What was freed in a row is often of one slab, whose bits are one line then. */
void slab_fetch_records(unsigned class, void *const *blocks, unsigned count)
{
	const struct size_class *of = &size_class_table[class];
	uint32_t unit, last = UNIT_NONE;
	unsigned i;

	if (of->capacity > BITS_A_LINE && of->units == 1) {
		fetch_words(of, blocks, count);
		return;
	}
	for (i = 0; i < count; i++, last = unit) {
		unit = reservation_unit_of(blocks[i]);
		if (unit == last)
			continue;
		fetch_to_write(slab_unit(unit));
		if (of->units == 1)
			fetch_to_write(slab_unit(unit)->free_bits);
	}
}
