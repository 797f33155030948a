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

#include "front/arrivals.h"
#include "front/quarantine.h"
#include "middle/guest.h"
#include "support/options.h"
#include "support/probe.h"

#define BIN_BYTES_FIRST		(64 * KiB)	/* the first limit of a bin … */
#define BIN_BLOCKS_FIRST	256		/* … in blocks at most */
#define BIN_BYTES_MAX		(16 * MiB)
/* of all bins of a cache: half a MiB of cache lines */
#define GROWN_BLOCKS_MAX	8192
#define BATCH_BLOCKS		64
#define FLUSH_BLOCKS		16		/* what one free has to do at most */
#define LIMITS_TO_SHRINK	2		/* so many times its limit a bin flushes in a row */
#define REFILLS_TO_SEND		16		/* remote frees wait for so many at most */
#define READS_BEFORE_SLAB	16		/* what comes is used before memory that is fresh */
#define READS_UNTIL_ALL		4		/* more than is needed: what comes never piles up */

PROBE(refill);	/* size of the blocks, how many */
PROBE(flush);	/* the same */

_Thread_local struct thread_cache_tls thread_cache_tls;

static _Atomic size_t claimed_bytes;	/* of the shared budget; relaxed: a count */

/* Of the budget: so many blocks and their slots. */
static size_t claim_of(unsigned class, uint32_t blocks)
{
	return blocks * ((size_t)size_class_table[class].size + sizeof(void *));
}

uint32_t thread_cache_first_limit(const struct thread_cache *cache, unsigned class)
{
	size_t blocks = min_size(BIN_BYTES_FIRST / size_class_table[class].size, BIN_BLOCKS_FIRST);

	return common_first_limit(&cache->common, &cache->heap, class,
				  blocks ? (uint32_t)blocks : 1);
}

static void put_blocks(struct thread_cache *cache, void *const *blocks, unsigned count)
{
	common_put_blocks(&cache->common, &cache->heap, &cache->outbox, blocks, count);
}

void thread_cache_init(struct thread_cache *cache, unsigned home)
{
	unsigned class;

	cache->owners[CLASS_COUNT].cache = cache;
	for (class = 0; class < CLASS_COUNT; class++) {
		cache->owners[class].cache = cache;
		cache->limits[class] = thread_cache_first_limit(cache, class);
		bin_begin(&cache->bins[class], &cache->slots[class], cache->nothing);
	}
	cache->bins[CLASS_COUNT] = cache->bins[0];
	thread_cache_step_open_all(cache);
	heap_create(&cache->heap, (char *)cache->bins, home);
}

static uint32_t count_of(struct thread_cache *cache, unsigned class)
{
	return bin_count(&cache->bins[class], &cache->slots[class]);
}

static void mark_full(struct thread_cache *cache, unsigned class)
{
	bin_mark_full(&cache->bins[class], &cache->slots[class], cache->limits[class]);
}

static bool make_room(struct thread_cache *cache, unsigned class)
{
	return bin_make_room(&cache->bins[class], &cache->slots[class], cache->limits[class],
			     &cache->slot_pool);
}

/* What lay in the bin goes into slabs, whose records have left the processor's caches. */
static void put_cold(struct thread_cache *cache, unsigned class, void *const *blocks,
		     uint32_t count)
{
	slab_fetch_records(class, blocks, (unsigned)min_size(count, FLUSH_BLOCKS));
	put_blocks(cache, blocks, count);
}

/* Takes so many of the bin's oldest blocks and puts them into their slabs. */
static void put_oldest(struct thread_cache *cache, unsigned class, uint32_t count)
{
	put_cold(cache, class, bin_bottom(&cache->slots[class]) + 1, count);
	bin_forget_oldest(&cache->slots[class], count);
}

/* The same of the newest ones, so that no block has to be moved. */
static void put_newest(struct thread_cache *cache, unsigned class, uint32_t count)
{
	put_cold(cache, class, cache->bins[class].top + 1 - count, count);
	bin_forget_newest(&cache->bins[class], count);
}

/* The most that a bin can ever hold. */
static uint32_t most_blocks(unsigned class)
{
	return (uint32_t)min_size(BIN_BYTES_MAX / size_class_table[class].size, GROWN_BLOCKS_MAX);
}

bool thread_cache_raise_limit(struct thread_cache *cache, unsigned class, uint32_t count)
{
	size_t bytes = claim_of(class, count);

	if (cache->limits[class] + count > most_blocks(class) ||
	    cache->grown_blocks + count >
		    common_share(&cache->common, &cache->heap, GROWN_BLOCKS_MAX))
		return false;
	if (atomic_fetch_add_explicit(&claimed_bytes, bytes, memory_order_relaxed) + bytes >
	    options.cache_max_bytes) {
		atomic_fetch_sub_explicit(&claimed_bytes, bytes, memory_order_relaxed);
		return false;
	}
	cache->limits[class] += count;
	cache->grown_blocks += count;
	return true;
}

static void grow_limit(struct thread_cache *cache, unsigned class, uint32_t count)
{
	if (count > cache->flushed[class])
		count = cache->flushed[class];
	cache->flushed[class] -= count;
	if (count)
		thread_cache_raise_limit(cache, class, count);
}

void thread_cache_lower_limit(struct thread_cache *cache, unsigned class, uint32_t limit)
{
	uint32_t blocks = cache->limits[class] - limit;

	cache->limits[class] = limit;
	cache->grown_blocks -= blocks;
	atomic_fetch_sub_explicit(&claimed_bytes, claim_of(class, blocks), memory_order_relaxed);
}

/* More than a bin can ever hold need not be remembered. */
static void remember_flushed(struct thread_cache *cache, unsigned class, uint32_t count)
{
	cache->flushed_in_row[class] += count;
	cache->flushed[class] =
		(uint32_t)min_size(cache->flushed[class] + count, most_blocks(class));
}

/* The limit halves when many blocks were flushed and none was asked for. */
static void shrink_limit(struct thread_cache *cache, unsigned class)
{
	uint32_t limit = cache->limits[class], least = thread_cache_first_limit(cache, class);

	if (limit <= least || cache->flushed_in_row[class] < LIMITS_TO_SHRINK * limit)
		return;
	cache->flushed_in_row[class] = 0;
	thread_cache_lower_limit(cache, class, limit / 2 > least ? limit / 2 : least);
}

/*
 * At most so many blocks at once as a free may wait for. A bin that is beyond a limit that has
 * shrunk flushes twice what comes.
 */
static void flush(struct thread_cache *cache, unsigned class)
{
	struct bin *bin = &cache->bins[class];
	uint32_t held = count_of(cache, class), count;

	shrink_limit(cache, class);
	count = (uint32_t)max_size((held + 1) / 2, held + 1 - min_size(held, cache->limits[class]));
	/* The limit may be none at all. */
	count = (uint32_t)min_size(count, min_size(held, FLUSH_BLOCKS));
	PROBE_2(flush, size_class_table[class].size, count);
	remember_flushed(cache, class, count);
	bin_move_down(bin, &cache->slots[class], count);
	if (bin_has_slots(bin, &cache->slots[class], count))
		put_oldest(cache, class, count);
	else
		put_newest(cache, class, count);
	mark_full(cache, class);
	if (bin->top >= bin->full)
		bin->full = bin->top + (count + 1) / 2;
}

void thread_cache_push_full(struct bin *bin, void *block)
{
	struct thread_cache *cache = thread_cache_bin_owner(bin)->cache;
	unsigned class = thread_cache_bin_class(bin);

	if (unlikely(class == CLASS_COUNT)) {
		/* Of a slab with guests: see heap_take_guests. */
		heap_put_blocks(&cache->heap, &block, 1);
		return;
	}
	if (bin->top >= bin->full && !make_room(cache, class) && count_of(cache, class))
		flush(cache, class);
	if (likely(bin->top < bin->full))
		bin_push(bin, block);
	else
		put_blocks(cache, &block, 1);	/* no memory for an array */
}

static void flush_bin(struct thread_cache *cache, unsigned class)
{
	put_oldest(cache, class, count_of(cache, class));
	thread_cache_lower_limit(cache, class, thread_cache_first_limit(cache, class));
	cache->flushed[class] = cache->flushed_in_row[class] = 0;
	bin_move_down(&cache->bins[class], &cache->slots[class], UINT32_MAX);
	mark_full(cache, class);
}

static void flush_bins(struct thread_cache *cache)
{
	unsigned class;

	thread_cache_counted_empty(cache);
	for (class = 0; class < CLASS_COUNT; class++)
		if (bin_has_array(&cache->slots[class]) || cache->grown_blocks)
			flush_bin(cache, class);	/* of the others there is nothing */
	if (cache->has_guests) {
		cache->has_guests = false;
		thread_cache_step_open_aligned(cache);
	}
}

/* Blocks 1 … count - 1 go into an empty bin, the lowest address on top. */
static void fill(struct bin *bin, void **blocks, unsigned count)
{
	void **top = bin->top;

	while (count-- > 1)
		*++top = blocks[count];
	atomic_signal_fence(memory_order_seq_cst);
	bin->top = top;
}

/* It would take a slab anew, although more has come home than was read. */
static bool wants_slab(struct thread_cache *cache, unsigned class)
{
	return !bin_newest(&cache->bins[class]) && !heap_has_room(&cache->heap, class) &&
	       !common_is_shared(&cache->common, class) && remote_free_is_waiting(&cache->heap);
}

void thread_cache_tend(struct thread_cache *cache, unsigned class)
{
	const struct bin *wanted = &cache->bins[class];
	unsigned reads;
	const struct arrivals to = { &cache->heap, cache->bins, cache->slots, &cache->slot_pool,
				     cache->limits };

	thread_cache_send_after(cache, REFILLS_TO_SEND);
	if (remote_free_is_outrun(&cache->heap))
		remote_free_catch_up(&cache->heap);
	else if (remote_free_is_waiting(&cache->heap))
		arrivals_read(&to, wanted, ++cache->reads % READS_UNTIL_ALL == 0);
	for (reads = 0; reads < READS_BEFORE_SLAB && wants_slab(cache, class); reads++)
		if (remote_free_is_outrun(&cache->heap))
			remote_free_catch_up(&cache->heap);
		else
			arrivals_read(&to, wanted, true);
}

/* Takes blocks out of slabs, count at most; 0: no memory. */
static unsigned take_blocks(struct thread_cache *cache, unsigned class, void **blocks,
			    uint32_t count)
{
	unsigned taken = 0;

	if (!cache->heap.available[class].head)
		taken = guest_take_blocks(&cache->heap, class, blocks, count);
	if (!taken)
		taken = heap_take_blocks(&cache->heap, class, blocks, count);
	if (likely(taken))
		return taken;
	/* Out of memory: whatever lies idle may help. */
	thread_cache_flush_all(cache);
	return heap_take_blocks(&cache->heap, class, blocks, 1);
}

/* A class gets slabs of its own, or is shared (again): its limit begins anew. */
static void look_at_stage(struct thread_cache *cache, unsigned class)
{
	uint32_t least = thread_cache_first_limit(cache, class);

	if (!common_look(&cache->common, &cache->heap, class))
		return;
	thread_cache_lower_limit(cache, class, least);
	cache->limits[class] = thread_cache_first_limit(cache, class);
}

/* In a bin of its class a guest is not aligned as the others are. */
static bool note_guests(struct thread_cache *cache, unsigned class, const void *block)
{
	unsigned host = slab_class_of_block(block);

	if (likely(host == class))
		return false;
	if (!cache->has_guests) {
		cache->has_guests = true;
		thread_cache_step_open_aligned(cache);
	}
	return true;
}

static void note_asked(struct thread_cache *cache, unsigned class, void *block, size_t size)
{
	asked_sample_note(cache->heap.counts, block, size);
	thread_cache_step_look(cache, class);
}

void *thread_cache_refill(size_t size, struct bin *bin)
{
	struct thread_cache *cache = thread_cache_bin_owner(bin)->cache;
	unsigned class = thread_cache_bin_class(bin);
	uint32_t wanted = (uint32_t)min_size(cache->limits[class] / 2, BATCH_BLOCKS);
	void *blocks[BATCH_BLOCKS];
	unsigned count = 0;
	bool note;

	thread_cache_tend(cache, class);
	if (bin_newest(bin))
		return thread_cache_take(size, bin);
	wanted = (uint32_t)min_size(wanted,
				    1 + bin_reserve(bin, &cache->slots[class], cache->limits[class],
						    &cache->slot_pool, wanted));
	note = asked_sample_is_due(&cache->sampling, class, &wanted);
	wanted = wanted ? wanted : 1;
	look_at_stage(cache, class);
	if (common_is_shared(&cache->common, class))
		count = common_take_blocks(&cache->common, &cache->heap, class, blocks, wanted,
					   note ? size : 0);
	if (count)
		note = false;
	else
		count = take_blocks(cache, class, blocks, wanted);
	if (count == 0)
		return NULL;
	if (note_guests(cache, class, blocks[0]))
		note = false;
	cache->flushed_in_row[class] = 0;
	asked_sample_count(&cache->sampling, class, count);
	if (note)
		note_asked(cache, class, blocks[0], size);
	if (!common_is_shared(&cache->common, class))
		grow_limit(cache, class, count);
	PROBE_2(refill, size_class_table[class].size, count);
	fill(bin, blocks, count);
	mark_full(cache, class);
	return blocks[0];
}

void thread_cache_put_home(struct thread_cache *cache, void *block)
{
	struct bin *bin = bin_of_block(block);
	struct heap *owner = &thread_cache_bin_owner(bin)->cache->heap;
	unsigned class = thread_cache_block_class(bin, block);

	if (owner == &cache->heap) {
		heap_put_blocks(owner, &block, 1);
		return;
	}
	heap_note_sent(&cache->heap, class);
	remote_free_push(&cache->outbox, owner, block, class);
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

void thread_cache_reopen(struct thread_cache *cache)
{
	unsigned class;

	for (class = 0; class < CLASS_COUNT; class++) {
		if (cache->seized.taken[class])
			bin_close_gap(&cache->bins[class], &cache->slots[class],
				      cache->seized.taken[class]);
		cache->seized.taken[class] = NULL;
		mark_full(cache, class);
	}
	cache->seized.open_again = false;
	thread_cache_step_open_all(cache);
}

static void flush_idle(struct heap *heap)
{
	struct thread_cache *cache = thread_cache_of_heap(heap);

	if (cache->seized.open_again)
		thread_cache_reopen(cache);
	thread_cache_flush_bins(cache);
}

void thread_cache_flush_all(struct thread_cache *own)
{
	if (own)
		thread_cache_flush_bins(own);
	heap_visit_idle(flush_idle);
}
