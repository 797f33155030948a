/* SPDX-License-Identifier: MIT */
/*
 * misuse.c - see misuse.h. Each kind has one fixed text; tests/misuse expects it.
 */
#include <config.h>

#include "front/misuse.h"

#include "back/large.h"
#include "front/thread_cache.h"
#include "middle/slab_guest.h"
#include "support/log.h"

bool misuse_is_in_heap(const void *address)
{
	size_t offset = (uintptr_t)address - reservation.base;

	/* Metadata is open ahead of the heap; the bins of units are entered when both are. */
	return reservation.base && offset < reservation.bytes &&
	       reservation_unit_is_open(offset >> UNIT_SHIFT) &&
	       reservation.bin_of_unit[offset >> UNIT_SHIFT];
}

static void NORETURN not_a_block(const char *verb, const void *address)
{
	log_fatal("%s of %p, which is not a block of this heap", verb, address);
}

/* The unit's record describes the slab that it is in, or was in last. */
static void NORETURN explain_slab(const char *verb, const void *address)
{
	uint32_t unit = reservation_unit_of(address);
	uint32_t first = slab_first_unit(unit);
	const struct slab *slab = slab_unit(first);
	unsigned index = slab_block_index(slab, first, address);
	char *start;

	if (index == slab_class(slab)->capacity)
		not_a_block(verb, address);
	index = slab_guest_head(slab, index);
	start = reservation_unit_start(first) + (size_t)index * slab_class(slab)->size;
	if (start != address)
		log_fatal("%s of %p, which lies inside the block at %p (size class %u)", verb,
			  address, (void *)start, slab_class(slab)->size);
	misuse_double_free(address);
}

void misuse_double_free_large(const void *block)
{
	log_fatal("double free of %p (large block)", block);
}

void misuse_wrong_size(const void *block, size_t bytes, size_t usable)
{
	log_fatal("free of %p as %zu bytes, which is a block of %zu", block, bytes, usable);
}

void misuse_explain(const char *verb, const void *address)
{
	uint32_t unit = reservation_unit_of(address);
	size_t bytes;

	if ((uintptr_t)address % BLOCK_ALIGNMENT)
		log_fatal("%s of %p, which is not aligned to 16 bytes", verb, address);
	if (!misuse_is_in_heap(address))
		not_a_block(verb, address);
	switch (large_look_up(address, &bytes)) {
	case LARGE_INSIDE:
		log_fatal("%s of %p, which lies inside a large block", verb, address);
	case LARGE_FREED:
		misuse_double_free_large(address);
	case LARGE_UNUSED:
		not_a_block(verb, address);
	case LARGE_BLOCK:
	case LARGE_NOT_OURS:
		break;
	}
	if (slab_unit(unit)->class_mark)
		explain_slab(verb, address);
	not_a_block(verb, address);
}

void misuse_double_free(const void *block)
{
	struct bin *bin = bin_of_block(block);
	unsigned size = bin == reservation.nobody ?
			slab_class(slab_at(reservation_unit_of(block)))->size :
			size_class_table[thread_cache_block_class(bin, block)].size;

	log_fatal("double free of %p (size class %u)", block, size);
}
