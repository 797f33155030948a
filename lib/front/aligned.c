/* SPDX-License-Identifier: MIT */
/*
 * aligned.c - the aligned allocation functions.
 *
 * Blocks of a class are aligned to the largest power of two that divides its size, so up to
 * 64 KiB an alignment is a choice of class. To 2 MiB it is a choice of units inside a
 * superslab, and above that a choice of units in the large range. No alignment maps memory of
 * its own.
 */
#include <config.h>

#include "front/aligned.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <hakmem/hakmem.h>

#include "back/helper_link.h"
#include "front/hardened.h"
#include "front/large_block.h"
#include "front/lease.h"
#include "front/malloc.h"
#include "front/profiled.h"
#include "os/vm.h"
#include "support/options.h"

#define LOOKS_IN_BIN	16	/* for a block that is aligned to more than a unit */

/* More aligned places are few, and left to those who ask for them. */
static bool is_just_so_aligned(const void *block, size_t alignment)
{
	size_t next = alignment < SUPERSLAB_SIZE ? 2 * alignment : 0;

	return (uintptr_t)block % alignment == 0 && (!next || (uintptr_t)block % next);
}

/* One of the newest blocks of a bin that is so aligned; NULL: none. */
static void *pop_aligned(struct bin *bin, size_t alignment)
{
	void **slot = bin->top, *block;
	unsigned looks;

	for (looks = 0; *slot && looks < LOOKS_IN_BIN; looks++, slot--) {
		if (!is_just_so_aligned(*slot, alignment))
			continue;
		block = *slot;
		memmove(slot, slot + 1, (size_t)(bin->top - slot) * sizeof(*slot));
		bin_drop_newest(bin);
		return block;
	}
	return NULL;
}

/* alignment: above 64 KiB, a superslab at most */
static void *take_units(struct thread_cache *cache, size_t size, size_t alignment)
{
	unsigned class = size_class_of_whole_slab(size);
	struct bin *bin = &cache->bins[class];
	bool zeroed;
	void *block;

	block = pop_aligned(bin, alignment);
	if (!block) {
		thread_cache_tend(cache, class);
		block = pop_aligned(bin, alignment);
	}
	if (!block)
		block = heap_take_block(&cache->heap, class,
					(unsigned)(alignment >> UNIT_SHIFT), &zeroed);
	return block ? profiled_pass(cache, class, size, block) : NULL;
}

/* Past the bin, where there may be guests: of a class's own slab each block is aligned. */
static void *take_class(struct thread_cache *cache, size_t size, unsigned class)
{
	bool zeroed;
	void *block;

	if (likely(!cache->has_guests))
		return profiled_take(cache, class, size);
	thread_cache_tend(cache, class);
	block = heap_take_block(&cache->heap, class, 1, &zeroed);
	return block ? profiled_pass(cache, class, size, block) : NULL;
}

void *aligned_take(struct thread_cache *cache, size_t alignment, size_t size)
{
	size_t dirty_bytes;
	unsigned class;

	if (alignment <= BLOCK_ALIGNMENT && size <= CLASS_SIZE_MAX)
		return profiled_take(cache, size_class_of(size), size);
	if (alignment <= UNIT_SIZE) {
		class = size_class_of_aligned(max_size(size, 1), alignment);
		if (class != CLASS_NONE)
			return take_class(cache, size, class);
	} else if (alignment <= SUPERSLAB_SIZE && size <= CLASS_SIZE_MAX) {
		return take_units(cache, size, alignment);
	}
	return large_block_take(cache, max_size(size, 1), alignment, &dirty_bytes);
}

/* NULL without errno: no memory. */
static void *take_aligned(size_t alignment, size_t size)
{
	struct thread_cache *cache;
	void *block;

	helper_link_start_if_wanted();
	if (unlikely(options.hardened))
		return hardened_take(max_size(alignment, BLOCK_ALIGNMENT), size, false);
	if (size > PTRDIFF_MAX || alignment > PTRDIFF_MAX)
		return NULL;
	cache = lease_take();
	if (unlikely(!cache))
		return NULL;
	block = aligned_take(cache, alignment, size);
	lease_put(cache);
	return block;
}

static void *aligned_or_fail(size_t alignment, size_t size)
{
	void *block = take_aligned(alignment, size);

	return block ? block : malloc_fail();
}

int NOINLINE aligned_posix_slow(void **place, size_t alignment, size_t size)
{
	void *block;

	if (!aligned_is_power_of_two(alignment) || alignment % sizeof(void *))
		return EINVAL;
	block = take_aligned(alignment, size);
	if (!block)
		return ENOMEM;
	*place = block;
	return 0;
}

void *NOINLINE aligned_alloc_slow(size_t alignment, size_t size)
{
	if (aligned_is_power_of_two(alignment))
		return aligned_or_fail(alignment, size);
	errno = EINVAL;
	return NULL;
}

void *NOINLINE aligned_memalign_slow(size_t alignment, size_t size)
{
	size_t power = BLOCK_ALIGNMENT;

	while (power < alignment && power <= PTRDIFF_MAX)
		power *= 2;
	if (power >= alignment)
		return aligned_or_fail(power, size);
	errno = EINVAL;
	return NULL;
}

EXPORT int hak_posix_memalign(void **place, size_t alignment, size_t size)
{
	return aligned_posix_inline(place, alignment, size);
}

EXPORT void *hak_aligned_alloc(size_t alignment, size_t size)
{
	return aligned_alloc_inline(alignment, size);
}

EXPORT void *hak_memalign(size_t alignment, size_t size)
{
	return aligned_memalign_inline(alignment, size);
}

EXPORT void *hak_valloc(size_t size)
{
	return aligned_alloc_inline(vm_page_size(), size);
}

EXPORT void *hak_pvalloc(size_t size)
{
	size_t page = vm_page_size();

	if (unlikely(size > PTRDIFF_MAX))
		return malloc_fail();
	return aligned_alloc_inline(page, align_up(max_size(size, 1), page));
}
