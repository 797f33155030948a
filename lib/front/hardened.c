/* SPDX-License-Identifier: MIT */
/*
 * hardened.c - see hardened.h.
 *
 *   malloc_slow, hak_calloc, take_aligned ── hardened_take ─┬─ heap_take_random_block
 *                                                           └─ guarded_take
 *   free_not_mine ── hardened_free ─┬─ quarantine ── heap_put_blocks, remote_free_push
 *                                   └─ guarded_free
 */
#include <config.h>

#include "front/hardened.h"

#include <stdatomic.h>
#include <string.h>

#include "back/marked.h"
#include "back/metadata.h"
#include "front/canary.h"
#include "front/guarded.h"
#include "front/large_block.h"
#include "front/lease.h"
#include "front/misuse.h"
#include "front/quarantine.h"
#include "middle/heap_frozen.h"
#include "support/log.h"

#define BLOCK_BYTES_LEAST	32	/* one of 16 bytes would be half canary */
#define TAKES_TO_SEND		256	/* remote frees wait for so many at most */

/* Written by the constructor, then read only. */
static struct heap *early_heap;		/* what the first thread had before; NULL: nothing */

static _Atomic uint64_t quarantines;	/* relaxed: a number for each */

void hardened_begin(void)
{
	canary_init();
	early_heap = lease_give_up();
	reservation_hide_span();
}

static struct quarantine *quarantine_of(struct thread_cache *cache)
{
	if (unlikely(!cache->quarantine)) {
		struct quarantine *quarantine = metadata_take(sizeof(*quarantine));
		uint64_t number = atomic_fetch_add_explicit(&quarantines, 1,
							    memory_order_relaxed);

		if (!quarantine)
			return NULL;
		quarantine_begin(quarantine, number);
		cache->quarantine = quarantine;
	}
	return cache->quarantine;
}

/* What a thread has to do now and then, and its refills do otherwise. */
static void hardened_tend(struct thread_cache *cache)
{
	thread_cache_send_after(cache, TAKES_TO_SEND);
	if (remote_free_is_waiting(&cache->heap))
		remote_free_drain(&cache->heap);
}

/* alignment_units: see heap_take_block. */
static void *hardened_take_block(struct thread_cache *cache, unsigned class,
				 unsigned alignment_units, bool *zeroed)
{
	struct quarantine *quarantine = quarantine_of(cache);
	void *block;

	if (!quarantine)
		return NULL;
	hardened_tend(cache);
	block = heap_take_random_block(&cache->heap, class, alignment_units,
				       quarantine_random(quarantine), zeroed);
	if (unlikely(!block)) {
		thread_cache_flush_all(cache);
		guarded_flush();
		block = heap_take_random_block(&cache->heap, class, alignment_units,
					       quarantine_random(quarantine), zeroed);
	}
	return block;
}

/* bytes: with the canary. CLASS_NONE: it will be a large block. */
static unsigned class_of(size_t alignment, size_t bytes)
{
	if (bytes > CLASS_SIZE_MAX || alignment > SUPERSLAB_SIZE)
		return CLASS_NONE;
	if (alignment == BLOCK_ALIGNMENT)
		return size_class_of(bytes);
	return alignment <= UNIT_SIZE ? size_class_of_aligned(bytes, alignment) :
					size_class_of_whole_slab(bytes);
}

/* It is all zero. */
static void *take_small(struct thread_cache *cache, unsigned class, size_t alignment)
{
	uint32_t size = size_class_table[class].size;
	unsigned alignment_units = 1;
	bool zeroed = false;
	uint64_t live;
	void *block;

	if (alignment > UNIT_SIZE)
		alignment_units = (unsigned)(alignment >> UNIT_SHIFT);
	block = hardened_take_block(cache, class, alignment_units, &zeroed);
	if (!block)
		return NULL;
	live = canary_live(block);
	/* A slab's memory was zero when it was cut, and what is freed is zeroed. */
	if (!zeroed)
		quarantine_check_again(block, size, canary_freed_of(live));
	/* relaxed: a block reaches another thread only by the program's own ordering */
	atomic_store_explicit(canary_of(block, size), live, memory_order_relaxed);
	return block;
}

static size_t with_canary(size_t bytes)
{
	return max_size(bytes + CANARY_BYTES, BLOCK_BYTES_LEAST);
}

void *hardened_take_from(struct thread_cache *cache, size_t alignment, size_t bytes, bool zeroed)
{
	struct quarantine *quarantine = quarantine_of(cache);
	size_t dirty_bytes;
	unsigned class;
	void *block;

	if (!quarantine || bytes > PTRDIFF_MAX - SUPERSLAB_SIZE)
		return NULL;
	class = class_of(alignment, with_canary(bytes));
	if (class != CLASS_NONE)
		return take_small(cache, class, alignment);
	block = guarded_take(cache, bytes, alignment, quarantine_random(quarantine), &dirty_bytes);
	return block && zeroed ? large_block_clear(block, bytes, dirty_bytes) : block;
}

void *hardened_take(size_t alignment, size_t bytes, bool zeroed)
{
	struct thread_cache *cache = lease_take();
	void *block;

	if (!cache)
		return NULL;
	block = hardened_take_from(cache, alignment, bytes, zeroed);
	lease_put(cache);
	return block;
}

size_t hardened_bytes_of(size_t alignment, size_t bytes)
{
	unsigned class = class_of(alignment, with_canary(bytes));

	return class == CLASS_NONE ? guarded_bytes_of(bytes) :
				     size_class_table[class].size - CANARY_BYTES;
}

static struct slab *slab_of(const void *block)
{
	return slab_at(reservation_unit_of(block));
}

static bool is_early(const struct slab *slab)
{
	return early_heap && atomic_load_explicit(&slab->heap, memory_order_relaxed) == early_heap;
}

static void NORETURN explain_canary(const char *verb, void *block, size_t size, uint64_t found)
{
	if (found == canary_freed(block))
		misuse_double_free(block);
	/* Nobody was ever given it, or what it was part of is gone. */
	if (found == 0)
		log_fatal("%s of %p, which is not a block of this heap", verb, block);
	log_fatal("overflow of the block at %p (size class %u)", block, (unsigned)size);
}

static void put_in_quarantine(void *block, size_t size, uint64_t canary)
{
	struct thread_cache *cache = lease_take();
	struct quarantine *quarantine;
	void *leaving;

	if (!cache)
		return;	/* no memory even for a cache: it stays where it is */
	quarantine = quarantine_of(cache);
	while (quarantine && (leaving = quarantine_pop_excess(quarantine)))
		thread_cache_put_home(cache, leaving);
	if (quarantine)
		quarantine_push(quarantine, block, (uint32_t)size, canary);
	else
		thread_cache_put_home(cache, block);
	lease_put(cache);
}

void hardened_free(void *block)
{
	struct slab *slab;
	uint64_t found, live;
	size_t size;

	if (reservation.bin_of_unit[reservation_unit_of(block)] == reservation.nobody) {
		guarded_free(block);
		return;
	}
	slab = slab_of(block);
	if (is_early(slab)) {
		heap_note_sent(NULL, slab_class_number(slab));
		heap_frozen_put(block);
		return;
	}
	if (unlikely(!slab_block_bytes((uintptr_t)block - reservation.base)))
		misuse_explain("free", block);
	size = slab_class(slab)->size;
	/* relaxed: of two who free it one finds it freed; nothing else depends on it */
	live = canary_live(block);
	found = atomic_exchange_explicit(canary_of(block, size), canary_freed_of(live),
					 memory_order_relaxed);
	if (unlikely(found != live))
		explain_canary("free", block, size, found);
	if (unlikely(marked_reaches(block)))
		marked_clear_inside(block, size - CANARY_BYTES);
	memset(block, 0, size - CANARY_BYTES);
	/* A heap that can be destroyed has nothing outside of it. */
	if (heap_is_kept(atomic_load_explicit(&slab->heap, memory_order_relaxed)))
		lease_send_home(block);
	else
		put_in_quarantine(block, size, canary_freed_of(live));
}

size_t hardened_usable_size(const char *verb, void *block)
{
	struct slab *slab;
	uint64_t found;
	size_t size;

	if (unlikely((uintptr_t)block % BLOCK_ALIGNMENT || !misuse_is_in_heap(block)))
		misuse_explain(verb, block);
	if (reservation.bin_of_unit[reservation_unit_of(block)] == reservation.nobody)
		return guarded_usable_size(verb, block);
	slab = slab_of(block);
	if (unlikely(!slab_block_bytes((uintptr_t)block - reservation.base)))
		misuse_explain(verb, block);
	size = slab_class(slab)->size;
	if (is_early(slab))
		return size;
	found = atomic_load_explicit(canary_of(block, size), memory_order_relaxed);
	if (unlikely(found != canary_live(block)))
		explain_canary(verb, block, size, found);
	return size - CANARY_BYTES;
}

void hardened_check_size(void *block, size_t bytes)
{
	size_t usable = hardened_usable_size("free", block);
	size_t least = bytes <= usable ? with_canary(bytes) : 0;

	if (unlikely(bytes > usable ||
		     (least <= CLASS_SIZE_MAX && usable <= CLASS_SIZE_MAX &&
		      size_class_table[size_class_of(least)].size < usable / 2)))
		misuse_wrong_size(block, bytes, usable);
}
