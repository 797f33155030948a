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

#include "back/helper_link.h"
#include "os/lock.h"
#include "support/options.h"

#define BIN_BYTES_FIRST		(64 * KiB)	/* the first limit of a bin … */
#define BIN_BLOCKS_FIRST	256		/* … in blocks at most */
#define BIN_BYTES_MAX		(16 * MiB)
#define BATCH_BLOCKS		64
#define FLUSHES_TO_SHRINK	4		/* in a row */
#define REFILLS_TO_SEND		16		/* remote frees wait for so many at most */

_Thread_local struct thread_cache_tls thread_cache_tls;

/* The first thread's: a process that never has a second touches no other. */
static struct thread_cache first_cache;

/* The bin of units without a slab: its owner is nobody. */
static struct {
	struct bin bins[CLASS_COUNT] CACHE_ALIGNED;
	struct bin_owner owner CACHE_ALIGNED;
} nobody;

_Static_assert(offsetof(struct thread_cache, owners) == 64 * ((sizeof(nobody.bins) + 63) / 64),
	       "nobody's owner lies where that of a bin would");

static struct lock start_lock;
static _Atomic bool started;		/* release by start lock; acquire in attach */
static _Atomic size_t claimed_bytes;	/* of the shared budget; relaxed: a count */

static struct thread_cache *cache_of(struct heap *heap)
{
	return (struct thread_cache *)((char *)heap - offsetof(struct thread_cache, heap));
}

static uint32_t first_limit(unsigned class)
{
	size_t blocks = BIN_BYTES_FIRST / size_class_table[class].size;

	return blocks < 1 ? 1 : blocks < BIN_BLOCKS_FIRST ? (uint32_t)blocks : BIN_BLOCKS_FIRST;
}

static void set_owner(struct thread_cache *cache, uintptr_t thread)
{
	unsigned class;

	/* relaxed: a thread compares with itself only; nobody else's value can be mistaken */
	for (class = 0; class < CLASS_COUNT; class++)
		atomic_store_explicit(&cache->owners[class].thread, thread, memory_order_relaxed);
}

static void cache_init(struct thread_cache *cache)
{
	unsigned class;
	size_t step;

	for (class = 0; class < CLASS_COUNT; class++) {
		cache->owners[class].cache = cache;
		cache->bins[class].limit = first_limit(class);
		cache->bins[class].room = (int32_t)first_limit(class);
	}
	for (step = 0; step < SIZE_STEPS; step++)
		cache->bin_of_step[step] =
			(uint8_t)(size_class_of(step * 16) * sizeof(struct bin) / 8);
	heap_create(&cache->heap, (char *)cache->bins);
}

static void detach_at_exit(void *cache);

/* Once a process, in the first slow path of its first thread. */
static bool start(void)
{
	bool ok;

	lock_take(&start_lock);
	ok = atomic_load_explicit(&started, memory_order_relaxed);
	if (!ok) {
		size_class_init();
		ok = reservation_init(&nobody) == 0;
		if (ok) {
			/* Where keys are used up, caches of threads that end stay as they are. */
			thread_exit_init(detach_at_exit);
			cache_init(&first_cache);
			heap_abandon(&first_cache.heap);
			atomic_store_explicit(&started, true, memory_order_release);
		}
	}
	lock_put(&start_lock);
	return ok;
}

static struct thread_cache *cache_for_thread(void)
{
	struct heap *heap = heap_adopt();
	struct thread_cache *cache;

	if (heap)
		return cache_of(heap);
	cache = reservation_take_metadata(sizeof(*cache));
	if (cache)
		cache_init(cache);
	return cache;
}

bool thread_cache_enter(void)
{
	struct thread_cache *cache;

	if (thread_cache_tls.cache)
		return true;
	if (!atomic_load_explicit(&started, memory_order_acquire) && !start())
		return false;
	/* The loader clears our thread-local storage if a resolver (IFUNC) allocated before it. */
	if (atomic_load_explicit(&first_cache.owners[0].thread, memory_order_relaxed) ==
	    thread_identity())
		cache = &first_cache;
	else
		cache = cache_for_thread();
	if (!cache)
		return false;
	thread_cache_tls.cache = cache;
	if (thread_cache_tls.leaving)
		return true;
	set_owner(cache, thread_identity());
	thread_cache_tls.small_size_limit = SMALL_SIZE_LIMIT;
	thread_exit_arm(cache);
	return true;
}

/* Takes count blocks from behind the newest one and puts them into their slabs. */
static void put_behind_head(struct thread_cache *cache, struct bin *bin, uint32_t count)
{
	void **link = bin->head;
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
	void *block = thread_cache_pop(bin);

	heap_put_blocks(&cache->heap, &block, 1);
}

static void grow_limit(struct thread_cache *cache, struct bin *bin, unsigned class, uint32_t count)
{
	size_t size = size_class_table[class].size, bytes;

	if (count > cache->flushed[class])
		count = cache->flushed[class];
	cache->flushed[class] -= count;
	bytes = count * size;
	if (!count || bin->limit * size + bytes > BIN_BYTES_MAX)
		return;
	if (atomic_fetch_add_explicit(&claimed_bytes, bytes, memory_order_relaxed) + bytes >
	    options.cache_max_bytes) {
		atomic_fetch_sub_explicit(&claimed_bytes, bytes, memory_order_relaxed);
		return;
	}
	bin->room += (int32_t)count;
	bin->limit += count;
}

/* Down to limit, which is not below the first one. */
static void shrink_limit(struct bin *bin, unsigned class, uint32_t limit)
{
	size_t bytes = (bin->limit - limit) * size_class_table[class].size;

	bin->room -= (int32_t)(bin->limit - limit);
	bin->limit = limit;
	atomic_fetch_sub_explicit(&claimed_bytes, bytes, memory_order_relaxed);
}

/* More than a bin can ever hold need not be remembered. */
static void remember_flushed(struct thread_cache *cache, unsigned class, uint32_t count)
{
	uint32_t most = (uint32_t)(BIN_BYTES_MAX / size_class_table[class].size);

	cache->flushed[class] += count;
	if (cache->flushed[class] > most)
		cache->flushed[class] = most;
}

void thread_cache_flush(struct bin *bin)
{
	struct thread_cache *cache = thread_cache_bin_owner(bin)->cache;
	unsigned class = thread_cache_bin_class(bin);
	uint32_t count, least = first_limit(class);

	if (cache->flushes[class] < FLUSHES_TO_SHRINK)
		cache->flushes[class]++;
	else
		shrink_limit(bin, class, bin->limit / 2 > least ? bin->limit / 2 : least);
	count = thread_cache_bin_count(bin) - (bin->limit > 1 ? bin->limit / 2 : 1);
	remember_flushed(cache, class, count);
	put_behind_head(cache, bin, count);
}

static void flush_bin(struct thread_cache *cache, unsigned class)
{
	struct bin *bin = &cache->bins[class];

	if (bin->head) {
		put_behind_head(cache, bin, thread_cache_bin_count(bin));
		put_head(cache, bin);
	}
	shrink_limit(bin, class, first_limit(class));
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
		thread_cache_push(bin, block);
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
	bin->head = next;
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
	uint32_t wanted = bin->limit / 2;
	void *blocks[BATCH_BLOCKS];
	unsigned count;
	bool note;

	helper_link_start_if_wanted();
	tend(cache);
	if (bin->head)
		return thread_cache_pop(bin);
	if (wanted > BATCH_BLOCKS)
		wanted = BATCH_BLOCKS;
	note = asked_sample_is_due(&cache->sampling, class, &wanted);
	count = heap_take_blocks(&cache->heap, class, blocks, wanted ? wanted : 1);
	if (count == 0) {
		/* Out of memory: whatever lies idle may help. */
		thread_cache_flush_all();
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

static void flush_cache(struct thread_cache *cache)
{
	remote_free_send_all(&cache->outbox);
	remote_free_drain(&cache->heap);
	flush_bins(cache);
	heap_put_empty_slabs(&cache->heap);
}

static void flush_idle(struct heap *heap)
{
	flush_cache(cache_of(heap));
}

void thread_cache_flush_all(void)
{
	if (thread_cache_tls.cache)
		flush_cache(thread_cache_tls.cache);
	heap_visit_idle(flush_idle);
}

void thread_cache_leave_slow(void)
{
	struct thread_cache *cache = thread_cache_tls.cache;

	thread_cache_tls.cache = NULL;
	if (cache)
		heap_abandon(&cache->heap);
}

/* The heap waits for another thread; whatever is wholly free in it goes to everybody. */
static void detach_at_exit(void *argument)
{
	struct thread_cache *cache = argument;

	thread_cache_tls.cache = NULL;
	thread_cache_tls.small_size_limit = 0;
	thread_cache_tls.leaving = true;
	flush_cache(cache);
	set_owner(cache, 0);
	heap_abandon(&cache->heap);
}

static void freeze(struct heap *heap)
{
	set_owner(cache_of(heap), 0);
}

void thread_cache_after_fork_in_child(void)
{
	heap_freeze_others(thread_cache_tls.cache ? &thread_cache_tls.cache->heap : NULL, freeze);
}
