/* SPDX-License-Identifier: MIT */
/*
 * aligned.h - aligned blocks: the fast path of the functions that take an alignment, to be
 * compiled into whatever function bears the name, and a block out of a given cache.
 */
#ifndef HAKMEM_FRONT_ALIGNED_H
#define HAKMEM_FRONT_ALIGNED_H

#include "front/malloc.h"

/*
 * alignment: a power of two. The caller has a lease of the cache. NULL, without errno: no
 * memory.
 */
void *aligned_take(struct thread_cache *cache, size_t alignment, size_t size);

/* What the fast path does not have. As the functions of these names do. */
void *aligned_alloc_slow(size_t alignment, size_t size);
void *aligned_memalign_slow(size_t alignment, size_t size);
int aligned_posix_slow(void **place, size_t alignment, size_t size);

static ALWAYS_INLINE bool aligned_is_power_of_two(size_t value)
{
	return value && !(value & (value - 1));
}

/* The newest block of the bin that a step leads to; NULL: there is none. */
static ALWAYS_INLINE void *aligned_pop_step(struct thread_cache *cache, size_t step)
{
	struct bin *bin;
	size_t offset;
	void *block;

	thread_cache_begin_work(cache);
	offset = atomic_load_explicit(&cache->bin_of_step[step], memory_order_relaxed);
	bin = (struct bin *)((char *)cache + offset * 8);
	block = bin_newest(bin);
	if (unlikely(!block))
		return NULL;
	bin_drop_newest(bin);
	thread_cache_end_work(cache);
	return block;
}

/*
 * alignment: a power of two above BLOCK_ALIGNMENT. It divides the blocks of whatever class a
 * multiple of it has (see size_class_of_aligned), and size - 1 with all bits below the
 * alignment set is one less than a multiple. NULL: no cache yet, or seized; more than the fast
 * path's sizes or alignments; an empty bin.
 */
static ALWAYS_INLINE void *aligned_pop(size_t alignment, size_t size)
{
	size_t last = (size - 1) | (alignment - 1);

	if (unlikely(last >= thread_cache_tls.small_size_limit))
		return NULL;
	IN_ONE_REGISTER(last);	/* not shifted in another before the comparison */
	return aligned_pop_step(thread_cache_tls.cache, SIZE_STEPS + last / 32);
}

static ALWAYS_INLINE void *aligned_alloc_inline(size_t alignment, size_t size)
{
	void *block = NULL;

	if (alignment <= BLOCK_ALIGNMENT && aligned_is_power_of_two(alignment))
		return malloc_inline(size);
	if (likely(alignment > BLOCK_ALIGNMENT && aligned_is_power_of_two(alignment)))
		block = aligned_pop(alignment, size);
	return likely(block != NULL) ? block : aligned_alloc_slow(alignment, size);
}

/* As glibc does, an alignment that is no power of two is rounded up to one. */
static ALWAYS_INLINE void *aligned_memalign_inline(size_t alignment, size_t size)
{
	void *block = NULL;

	if (alignment <= BLOCK_ALIGNMENT) {
		if (likely(size < thread_cache_tls.small_size_limit))
			block = aligned_pop_step(thread_cache_tls.cache, (size + 15) / 16);
	} else if (likely(aligned_is_power_of_two(alignment))) {
		block = aligned_pop(alignment, size);
	}
	return likely(block != NULL) ? block : aligned_memalign_slow(alignment, size);
}

/* The least alignment that it takes is a pointer's; errno is not its way to fail. */
static ALWAYS_INLINE int aligned_posix_inline(void **place, size_t alignment, size_t size)
{
	void *block = NULL;

	if (alignment > BLOCK_ALIGNMENT) {
		if (likely(aligned_is_power_of_two(alignment)))
			block = aligned_pop(alignment, size);
	} else if (alignment == BLOCK_ALIGNMENT || alignment == sizeof(void *)) {
		if (likely(size < thread_cache_tls.small_size_limit))
			block = aligned_pop_step(thread_cache_tls.cache, (size + 15) / 16);
	}
	if (unlikely(!block))
		return aligned_posix_slow(place, alignment, size);
	*place = block;
	return 0;
}

#endif
