/* SPDX-License-Identifier: MIT */
/*
 * thread_cache.c - see thread_cache.h. All of it is off the fast path.
 *
 * A bin's limit starts small. A refill that asks for what was flushed before shows that the
 * flush was a mistake, and the limit grows by as many blocks, within the budget that all
 * caches share; it shrinks while the thread only frees. So a loop over any number of blocks
 * ends up in its bin, and a thread that gives up its memory gives up its cache with it.
 */
#include <config.h>

#include "front/thread_cache.h"

#include "front/quarantine.h"
#include "support/options.h"

#define BIN_BYTES_FIRST		(64 * KiB)	/* the first limit of a bin … */
#define BIN_BLOCKS_FIRST	256		/* … in blocks at most */
#define BIN_BYTES_MAX		(16 * MiB)
#define GROWN_BLOCKS_MAX	8192		/* of all bins of a cache: half a MiB of cache lines */
#define BATCH_BLOCKS		64
#define FLUSHES_TO_SHRINK	4		/* in a row */
#define REFILLS_TO_SEND		16		/* remote frees wait for so many at most */

_Thread_local struct thread_cache_tls thread_cache_tls;

static _Atomic size_t claimed_bytes;	/* of the shared budget; relaxed: a count */

uint32_t thread_cache_first_limit(unsigned class)
{
	size_t blocks = BIN_BYTES_FIRST / size_class_table[class].size;

	return blocks < 1 ? 1 : blocks < BIN_BLOCKS_FIRST ? (uint32_t)blocks : BIN_BLOCKS_FIRST;
}

void thread_cache_open_steps(struct thread_cache *cache)
{
	size_t step;

	for (step = 0; step < SIZE_STEPS; step++)
		thread_cache_set_step(cache, step, size_class_of(step * 16));
	for (step = 0; step < ALIGNED_STEPS; step++)
		thread_cache_set_step(cache, SIZE_STEPS + step,
				      size_class_of_aligned((step + 1) * 32, 32));
}

void thread_cache_init(struct thread_cache *cache, unsigned home)
{
	unsigned class;

	for (class = 0; class < CLASS_COUNT; class++) {
		cache->owners[class].cache = cache;
		cache->limits[class] = thread_cache_first_limit(class);
		cache->bins[class].room = (int32_t)thread_cache_first_limit(class);
	}
	thread_cache_open_steps(cache);
	heap_create(&cache->heap, (char *)cache->bins, home);
}

/* Takes count blocks from behind the newest one and puts them into their slabs. */
static void put_behind_head(struct thread_cache *cache, struct bin *bin, uint32_t count)
{
	void **link = thread_cache_head(bin);
	void *blocks[BATCH_BLOCKS];

	while (count) {
		unsigned filled = 0;
		void *block = *link;

		for (; block && filled < BATCH_BLOCKS && filled < count; filled++) {
			blocks[filled] = block;
			block = *(void **)block;
		}
		if (!filled)
			return;	/* a cycle was cut: the misuse shows in the slab */
		*link = block;
		bin->room += (int32_t)filled;
		heap_put_blocks(&cache->heap, blocks, filled);
		count -= filled;
	}
}

static void put_head(struct thread_cache *cache, struct bin *bin)
{
	void *block = thread_cache_pop(bin, thread_cache_head(bin));

	heap_put_blocks(&cache->heap, &block, 1);
}

/* The most that a bin can ever hold. */
static uint32_t most_blocks(unsigned class)
{
	return (uint32_t)min_size(BIN_BYTES_MAX / size_class_table[class].size, GROWN_BLOCKS_MAX);
}

static void grow_limit(struct thread_cache *cache, struct bin *bin, unsigned class, uint32_t count)
{
	size_t bytes;

	if (count > cache->flushed[class])
		count = cache->flushed[class];
	cache->flushed[class] -= count;
	bytes = count * (size_t)size_class_table[class].size;
	if (!count || cache->limits[class] + count > most_blocks(class) ||
	    cache->grown_blocks + count > GROWN_BLOCKS_MAX)
		return;
	if (atomic_fetch_add_explicit(&claimed_bytes, bytes, memory_order_relaxed) + bytes >
	    options.cache_max_bytes) {
		atomic_fetch_sub_explicit(&claimed_bytes, bytes, memory_order_relaxed);
		return;
	}
	bin->room += (int32_t)count;
	cache->limits[class] += count;
	cache->grown_blocks += count;
}

int32_t thread_cache_lower_limit(struct thread_cache *cache, unsigned class, uint32_t limit)
{
	uint32_t blocks = cache->limits[class] - limit;

	cache->limits[class] = limit;
	cache->grown_blocks -= blocks;
	atomic_fetch_sub_explicit(&claimed_bytes, blocks * (size_t)size_class_table[class].size,
				  memory_order_relaxed);
	return (int32_t)blocks;
}

/* Down to limit, which is not below the first one. */
static void shrink_limit(struct thread_cache *cache, unsigned class, uint32_t limit)
{
	cache->bins[class].room -= thread_cache_lower_limit(cache, class, limit);
}

/* More than a bin can ever hold need not be remembered. */
static void remember_flushed(struct thread_cache *cache, unsigned class, uint32_t count)
{
	cache->flushed[class] = (uint32_t)min_size(cache->flushed[class] + count, most_blocks(class));
}

void thread_cache_flush(struct bin *bin)
{
	struct thread_cache *cache = thread_cache_bin_owner(bin)->cache;
	unsigned class = thread_cache_bin_class(bin);
	uint32_t count, least = thread_cache_first_limit(class);

	if (cache->flushes[class] < FLUSHES_TO_SHRINK)
		cache->flushes[class]++;
	else
		shrink_limit(cache, class, cache->limits[class] / 2 > least ? cache->limits[class] / 2 : least);
	count = thread_cache_bin_count(bin) - (cache->limits[class] > 1 ? cache->limits[class] / 2 : 1);
	remember_flushed(cache, class, count);
	put_behind_head(cache, bin, count);
}

static void flush_bin(struct thread_cache *cache, unsigned class)
{
	struct bin *bin = &cache->bins[class];

	if (thread_cache_head(bin)) {
		put_behind_head(cache, bin, thread_cache_bin_count(bin));
		put_head(cache, bin);
	}
	shrink_limit(cache, class, thread_cache_first_limit(class));
	cache->flushed[class] = 0;
}

static void flush_bins(struct thread_cache *cache)
{
	unsigned class;

	for (class = 0; class < CLASS_COUNT; class++)
		flush_bin(cache, class);
}

/* Blocks that came home go into their bins, where there is room. */
static void take_home(struct thread_cache *cache, void *block)
{
	struct bin *bin = reservation.bin_of_unit[reservation_unit_of(block)];

	heap_note_received(&cache->heap, thread_cache_bin_class(bin));
	if (bin->room > 0)
		thread_cache_push(bin, thread_cache_head(bin), block);
	else
		heap_put_blocks(&cache->heap, &block, 1);
}

static void NOINLINE drain(struct thread_cache *cache)
{
	struct remote_message *message = remote_free_take_all(&cache->heap);

	while (message) {
		struct remote_message *next = message->next;
		uint64_t i, count = message->count;

		__builtin_prefetch(next);
		for (i = 0; i < count; i++)
			take_home(cache, message->blocks[i]);
		take_home(cache, message);
		message = next;
	}
}

/* Links blocks 1 … count - 1 into an empty bin, the lowest address first. */
static void fill(struct bin *bin, void **blocks, unsigned count)
{
	void *next = NULL;
	unsigned i;

	for (i = count; i-- > 1;) {
		*(void **)blocks[i] = next;
		next = blocks[i];
	}
	thread_cache_set_head(bin, next);
	bin->room -= (int32_t)(count - 1);
}

static void tend(struct thread_cache *cache)
{
	if (cache->outbox.pending && ++cache->refills_since_send >= REFILLS_TO_SEND) {
		cache->refills_since_send = 0;
		remote_free_send_all(&cache->outbox);
	}
	if (remote_free_is_waiting(&cache->heap))
		drain(cache);
}

void *thread_cache_refill(size_t size, struct bin *bin)
{
	struct thread_cache *cache = thread_cache_bin_owner(bin)->cache;
	unsigned class = thread_cache_bin_class(bin);
	uint32_t wanted = cache->limits[class] / 2;
	void *blocks[BATCH_BLOCKS];
	unsigned count;
	bool note;

	tend(cache);
	if (thread_cache_head(bin))
		return thread_cache_pop(bin, thread_cache_head(bin));
	if (wanted > BATCH_BLOCKS)
		wanted = BATCH_BLOCKS;
	note = asked_sample_is_due(&cache->sampling, class, &wanted);
	count = heap_take_blocks(&cache->heap, class, blocks, wanted ? wanted : 1);
	if (count == 0) {
		/* Out of memory: whatever lies idle may help. */
		thread_cache_flush_all(cache);
		count = heap_take_blocks(&cache->heap, class, blocks, 1);
	}
	if (count == 0)
		return NULL;
	cache->flushes[class] = 0;
	asked_sample_count(&cache->sampling, class, count);
	if (note)
		asked_sample_note(cache->heap.counts, blocks[0], size);
	grow_limit(cache, bin, class, count);
	fill(bin, blocks, count);
	return blocks[0];
}

void thread_cache_put_home(struct thread_cache *cache, void *block)
{
	struct bin *bin = reservation.bin_of_unit[reservation_unit_of(block)];
	struct heap *owner = &thread_cache_bin_owner(bin)->cache->heap;
	unsigned class = thread_cache_bin_class(bin);

	if (owner == &cache->heap) {
		heap_put_blocks(owner, &block, 1);
		return;
	}
	heap_note_sent(&cache->heap, class);
	/* The message leaves the canary alone. */
	remote_free_push(&cache->outbox, owner, block,
			 size_class_table[class].size - sizeof(uint64_t));
}

void thread_cache_put_kept(void *block)
{
	struct bin *bin = reservation.bin_of_unit[reservation_unit_of(block)];

	heap_note_sent(NULL, thread_cache_bin_class(bin));
	remote_free_push_alone(&thread_cache_bin_owner(bin)->cache->heap, block);
}

static void empty_quarantine(struct thread_cache *cache)
{
	void *block;

	while (cache->quarantine && (block = quarantine_pop(cache->quarantine)))
		thread_cache_put_home(cache, block);
}

void thread_cache_flush_bins(struct thread_cache *cache)
{
	empty_quarantine(cache);
	remote_free_send_all(&cache->outbox);
	remote_free_drain(&cache->heap);
	flush_bins(cache);
	heap_put_empty_slabs(&cache->heap);
}

/* The list is short: since its cache was closed the thread has only freed. */
void *thread_cache_join(void *list, void *rest)
{
	void *block, *next;

	if (!list || !rest)
		return list ? list : rest;
	/* A push that was under way when the rest was taken has linked it already. */
	for (block = list; block != rest; block = next) {
		next = *(void **)block;
		if (!next)
			*(void **)block = next = rest;
	}
	return list;
}

void thread_cache_reopen(struct thread_cache *cache)
{
	struct seized_cache *seized = &cache->seized;
	unsigned class;

	for (class = 0; class < CLASS_COUNT; class++) {
		struct bin *bin = &cache->bins[class];

		bin->room += seized->room[class];
		seized->room[class] = 0;
		thread_cache_set_head(bin, thread_cache_join(thread_cache_head(bin),
							     seized->rest[class]));
		seized->rest[class] = NULL;
	}
	seized->closed = false;
	thread_cache_open_steps(cache);
}

static void flush_idle(struct heap *heap)
{
	struct thread_cache *cache = thread_cache_of_heap(heap);

	if (cache->seized.closed)
		thread_cache_reopen(cache);
	thread_cache_flush_bins(cache);
}

void thread_cache_flush_all(struct thread_cache *own)
{
	if (own)
		thread_cache_flush_bins(own);
	heap_visit_idle(flush_idle);
}
