/* SPDX-License-Identifier: MIT */
/*
 * seizure.c - see seizure.h. For the helper and for whoever purges; takes no lock.
 */
#include <config.h>

#include "front/seizure.h"

#include "back/metadata.h"
#include "os/barrier.h"

#define BATCH_BLOCKS	64

static void close_steps(struct thread_cache *cache)
{
	size_t step;

	cache->seized.open_again = true;
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
	/* The thread may wake meanwhile and borrow another, which may be a new one. */
	metadata_prepare(sizeof(*cache));
	if (!heap_seize(&cache->heap))
		return false;
	atomic_store_explicit(&cache->seized.wanted_back, false, memory_order_relaxed);
	if (!heap_is_seized(&cache->heap))
		return true;	/* it has no thread; if it had one until now, that has left */
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
	remote_free_visit_if_idle(&cache->heap);
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

/*
 * The top of each bin before the barrier. Its thread may push meanwhile: that goes above, and
 * stays.
 */
static void RACY_READER read_tops(struct thread_cache *cache, void ***tops)
{
	unsigned class;

	for (class = 0; class < CLASS_COUNT; class++)
		tops[class] = cache->bins[class].top;
}

/* Its thread wrote them before the barrier. */
static void RACY_READER read_slots(void **blocks, void **slots, unsigned count)
{
	unsigned i;

	for (i = 0; i < count; i++)
		blocks[i] = slots[i];
}

/* Puts what the bin held from the bottom to top. Returns how many blocks went. */
static uint32_t empty_bin(struct thread_cache *cache, unsigned class, void **top,
			  seizure_is_over *is_over)
{
	void **taken = cache->seized.taken[class], *blocks[BATCH_BLOCKS];
	uint32_t put = 0;

	if (!taken)
		taken = bin_bottom(&cache->slots[class]);
	while (taken < top && !is_over(cache)) {
		unsigned count = (unsigned)min_size((size_t)(top - taken), BATCH_BLOCKS);

		read_slots(blocks, taken + 1, count);
		common_put_blocks(&cache->common, &cache->heap, &cache->outbox, blocks, count);
		put += count;
		taken += count;
		cache->seized.taken[class] = taken;
	}
	if (taken == top)
		thread_cache_lower_limit(cache, class, thread_cache_first_limit(cache, class));
	return put;
}

static size_t empty_bins(struct thread_cache *cache, seizure_is_over *is_over)
{
	void **tops[CLASS_COUNT];
	size_t bytes = 0;
	unsigned class;

	read_tops(cache, tops);
	/*
	 * A slot was written before the top that shows it; on some processors that takes a barrier.
	 */
	if (heap_is_seized(&cache->heap) && !barrier_in_all_threads())
		return 0;
	cache->seized.open_again = true;
	for (class = 0; class < CLASS_COUNT; class++) {
		bin_note_seizure(&cache->bins[class]);
		bytes += empty_bin(cache, class, tops[class], is_over) *
			 (size_t)size_class_table[class].size;
	}
	return bytes;
}

size_t seizure_empty(struct thread_cache *cache, seizure_is_over *is_over)
{
	size_t bytes = thread_cache_counted_empty(cache);

	remote_free_post_all(&cache->outbox);
	/* There may be millions of blocks, and the helper has others to look after. */
	while (remote_free_is_waiting(&cache->heap) && !is_over(cache))
		remote_free_catch_up(&cache->heap);
	bytes += empty_bins(cache, is_over);
	heap_put_empty_slabs(&cache->heap);
	return bytes;
}
