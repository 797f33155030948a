/* SPDX-License-Identifier: MIT */
/*
 * extended.c - allocation with flags: the shape of jemalloc's extended functions, made of the
 * ordinary ones. A block is the same whichever function made it.
 */
#include <config.h>

#include "front/extended.h"

#include <string.h>

#include "back/large.h"
#include "front/aligned.h"
#include "front/defrag.h"
#include "front/free.h"
#include "front/hardened.h"
#include "front/lease.h"
#include "front/malloc.h"
#include "front/profiled.h"
#include "support/options.h"

static size_t alignment_of(int flags)
{
	size_t alignment = (size_t)1 << (flags & EXTENDED_LG_ALIGN_MASK);

	return alignment > BLOCK_ALIGNMENT ? alignment : BLOCK_ALIGNMENT;
}

/* The least that it will be. */
static unsigned extended_class_of(size_t size)
{
	unsigned between = size_class_between(size);

	return between == CLASS_NONE ? size_class_of(size) : between;
}

/* What a block for size and alignment will hold; 0: there can be none. */
static size_t bytes_of(size_t size, size_t alignment)
{
	unsigned class = CLASS_NONE;

	if (size > PTRDIFF_MAX || alignment > PTRDIFF_MAX)
		return 0;
	if (unlikely(options.hardened))
		return hardened_bytes_of(alignment, size);
	if (size <= CLASS_SIZE_MAX && alignment == BLOCK_ALIGNMENT)
		class = extended_class_of(size);
	else if (alignment <= UNIT_SIZE)
		class = size_class_of_aligned(max_size(size, 1), alignment);
	else if (alignment <= SUPERSLAB_SIZE && size <= CLASS_SIZE_MAX)
		class = size_class_of_whole_slab(size);
	if (class == CLASS_NONE)
		return align_up(max_size(size, 1), UNIT_SIZE);
	return size_class_table[class].size;
}

/* Where the flags ask for a node, and there are several. */
static bool asks_for_home(int flags)
{
	return topology_has_homes() && flags >> EXTENDED_NODE_SHIFT > 0;
}

static unsigned home_of(int flags)
{
	unsigned node = (unsigned)(flags >> EXTENDED_NODE_SHIFT) - 1;

	return topology.home_of_node[node % TOPOLOGY_NODES_MAX];
}

unsigned extended_home(int flags, unsigned otherwise)
{
	return asks_for_home(flags) ? home_of(flags) : otherwise;
}

void *extended_take(struct thread_cache *cache, size_t size, int flags)
{
	size_t alignment = alignment_of(flags);

	if (size > PTRDIFF_MAX || alignment > PTRDIFF_MAX)
		return NULL;
	if (unlikely(options.hardened))
		return hardened_take_from(cache, alignment, size, false);
	if (alignment == BLOCK_ALIGNMENT && size <= CLASS_SIZE_MAX)
		return profiled_take(cache, size_class_of(size), size);
	return aligned_take(cache, alignment, size);
}

void *extended_finish(void *block, size_t size, int flags)
{
	if (!block)
		return malloc_fail();
	return flags & HAK_ZERO ? memset(block, 0, size) : block;
}

static void *mallocx_of_home(size_t size, int flags)
{
	struct thread_cache *cache = lease_take_of(home_of(flags));
	void *block = NULL;

	if (cache) {
		block = extended_take(cache, size, flags);
		lease_put(cache);
	}
	return extended_finish(block, size, flags);
}

EXPORT void *hak_mallocx(size_t size, int flags)
{
	size_t alignment = alignment_of(flags);
	void *block;

	if (asks_for_home(flags))
		return mallocx_of_home(size, flags);
	if (flags & HAK_UNCACHED && alignment == BLOCK_ALIGNMENT && defrag_may_take(size))
		return extended_finish(defrag_take(size), size, flags);
	if (alignment == BLOCK_ALIGNMENT)
		return flags & HAK_ZERO ? hak_calloc(1, size) : hak_malloc(size);
	block = aligned_alloc_inline(alignment, size);
	if (block && flags & HAK_ZERO)
		memset(block, 0, size);
	return block;
}

/* Takes the place of a block that cannot stay where it is. */
static void *move(void *block, size_t old_bytes, size_t size, int flags)
{
	void *moved = hak_mallocx(size, flags & ~HAK_ZERO);

	if (!moved)
		return NULL;
	/* As much as it can hold: what is cleared begins where the old one ended. */
	memcpy(moved, block, min_size(old_bytes, hak_malloc_usable_size(moved)));
	free_inline(block);
	return moved;
}

EXPORT void *hak_rallocx(void *block, size_t size, int flags)
{
	size_t old_bytes = hak_malloc_usable_size(block), bytes;
	size_t alignment = alignment_of(flags);
	void *moved;

	if (!block)
		return hak_mallocx(size, flags);
	/* realloc(p, 0) would free it; a block of no size is one of the smallest. */
	if (alignment == BLOCK_ALIGNMENT && !asks_for_home(flags))
		moved = hak_realloc(block, max_size(size, 1));
	else if ((uintptr_t)block % alignment == 0 && size <= old_bytes && size >= old_bytes / 2)
		moved = block;
	else
		moved = move(block, old_bytes, size, flags);
	if (!moved || !(flags & HAK_ZERO))
		return moved;
	bytes = hak_malloc_usable_size(moved);
	if (bytes > old_bytes)
		memset((char *)moved + old_bytes, 0, bytes - old_bytes);
	return moved;
}

EXPORT size_t hak_xallocx(void *block, size_t size, size_t extra, int flags)
{
	size_t old_bytes = hak_malloc_usable_size(block), bytes, most;

	if (__builtin_add_overflow(size, extra, &most) || most > PTRDIFF_MAX)
		most = PTRDIFF_MAX;
	/* Only large blocks change where they are. */
	if (old_bytes > CLASS_SIZE_MAX && most > CLASS_SIZE_MAX && !options.hardened) {
		if (most != old_bytes)
			if (!large_resize_in_place(block, most) && size > old_bytes)
				large_resize_in_place(block, size);
	}
	bytes = hak_malloc_usable_size(block);
	if (flags & HAK_ZERO && bytes > old_bytes)
		memset((char *)block + old_bytes, 0, bytes - old_bytes);
	return bytes;
}

EXPORT size_t hak_sallocx(const void *block, int flags)
{
	(void)flags;
	return hak_malloc_usable_size((void *)(uintptr_t)block);
}

EXPORT void hak_dallocx(void *block, int flags)
{
	if (unlikely(flags & HAK_UNCACHED))
		defrag_put(block);
	else
		free_inline(block);
}

EXPORT void hak_sdallocx(void *block, size_t size, int flags)
{
	(void)size;
	hak_dallocx(block, flags);
}

EXPORT size_t hak_nallocx(size_t size, int flags)
{
	/* The table of classes is filled by the first allocation. */
	struct thread_cache *cache = lease_take();

	if (!cache)
		return 0;
	lease_put(cache);
	return bytes_of(size, alignment_of(flags));
}

EXPORT void *hak_alloc_at_least(size_t size, size_t *usable)
{
	void *block = malloc_inline(size);

	*usable = block ? hak_malloc_usable_size(block) : 0;
	return block;
}
