/* SPDX-License-Identifier: MIT */
/*
 * seizure.c - see seizure.h. Called by the helper and by hak_purge(); takes no lock.
 */
#include <config.h>

#include "front/seizure.h"

#include "os/barrier.h"

#define BATCH_BLOCKS	64
#define LOOKS_MAX	64	/* more pushes than that in a moment: the bin stays as it is */

static void close_steps(struct thread_cache *cache)
{
	size_t step;

	cache->seized.closed = true;
	for (step = 0; step < SIZE_STEPS + ALIGNED_STEPS; step++)
		thread_cache_set_step(cache, step, CLASS_COUNT);
}

/* acquire: pairs with the release in thread_cache_end_work */
static bool is_working(struct thread_cache *cache)
{
	return atomic_load_explicit(&cache->working, memory_order_acquire);
}

bool seizure_take(struct thread_cache *cache)
{
	if (!heap_seize(&cache->heap))
		return false;
	atomic_store_explicit(&cache->seized.wanted_back, false, memory_order_relaxed);
	if (!heap_is_seized(&cache->heap))
		return true;	/* it has no thread */
	/* Twice: a slow path that began before may yet open the steps, and none begins now. */
	if (barrier_in_all_threads() && !is_working(cache)) {
		close_steps(cache);
		if (barrier_in_all_threads() && !is_working(cache))
			return true;
	}
	seizure_put(cache);
	return false;
}

void seizure_put(struct thread_cache *cache)
{
	heap_give_back(&cache->heap);
}

bool seizure_is_wanted_back(struct thread_cache *cache)
{
	/* A thread that has ended since wants nothing. */
	return atomic_load_explicit(&cache->seized.wanted_back, memory_order_relaxed) &&
	       heap_is_seized(&cache->heap);
}

void seizure_want_back(struct thread_cache *cache)
{
	atomic_store_explicit(&cache->seized.wanted_back, true, memory_order_relaxed);
}

/* Puts blocks of a list; returns what is left when it is over. */
static void *put_list(struct thread_cache *cache, void *list, seizure_is_over *is_over,
		      uint32_t *put)
{
	void *blocks[BATCH_BLOCKS];

	while (list && !is_over(cache)) {
		unsigned count = 0;

		for (; list && count < BATCH_BLOCKS; count++) {
			blocks[count] = list;
			list = *(void **)list;
		}
		heap_put_blocks(&cache->heap, blocks, count);
		*put += count;
	}
	return list;
}

/*
 * A push that read the head before it was taken has linked its block to the first of the list,
 * or is about to. What was pushed since, without a pop between, ends there then.
 */
static bool is_linked(const struct bin *bin, const void *list)
{
	const void *block;
	unsigned looks;

	/* acquire: pairs with the release in free_inline */
	if (atomic_load_explicit(&bin->pushing, memory_order_acquire))
		return true;
	block = thread_cache_head(bin);
	for (looks = 0; block && block != list && looks < LOOKS_MAX; looks++)
		block = *(void *const *)block;
	return block != NULL;
}

/* rest: what the bin held. Returns how many of them went; none while somebody links to them. */
static uint32_t empty_bin(struct thread_cache *cache, unsigned class, seizure_is_over *is_over)
{
	struct seized_cache *seized = &cache->seized;
	uint32_t put = 0;

	if (is_linked(&cache->bins[class], seized->rest[class]))
		return 0;
	seized->rest[class] = put_list(cache, seized->rest[class], is_over, &put);
	seized->room[class] += (int32_t)put;
	if (!seized->rest[class])
		seized->room[class] -= thread_cache_lower_limit(cache, class,
								thread_cache_first_limit(class));
	return put;
}

static void take_lists(struct thread_cache *cache)
{
	unsigned class;

	for (class = 0; class < CLASS_COUNT; class++) {
		struct bin *bin = &cache->bins[class];
		void *list;

		if (!thread_cache_head(bin))
			continue;
		/* acquire: the blocks' links, written before release stores of pushing */
		list = __atomic_exchange_n(&bin->head, NULL, __ATOMIC_ACQUIRE);
		cache->seized.rest[class] = thread_cache_join(list, cache->seized.rest[class]);
	}
}

static size_t empty_bins(struct thread_cache *cache, seizure_is_over *is_over)
{
	size_t bytes = 0;
	unsigned class;

	take_lists(cache);
	/* Whoever pushes from here on finds the bin empty; of the others is_linked tells. */
	if (heap_is_seized(&cache->heap) && !barrier_in_all_threads())
		return 0;
	for (class = 0; class < CLASS_COUNT; class++)
		if (cache->seized.rest[class])
			bytes += empty_bin(cache, class, is_over) *
				 (size_t)size_class_table[class].size;
	return bytes;
}

size_t seizure_empty(struct thread_cache *cache, seizure_is_over *is_over)
{
	size_t bytes;

	remote_free_post_all(&cache->outbox);
	remote_free_drain(&cache->heap);
	bytes = empty_bins(cache, is_over);
	heap_put_empty_slabs(&cache->heap);
	return bytes;
}
