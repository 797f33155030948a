/* SPDX-License-Identifier: MIT */
/*
 * reclaim.c - see reclaim.h.
 *
 * Whether a thread uses its cache is seen from outside: a sum over its bins that is the same
 * at one look and the next. So a thread pays nothing for being watched. Holes are looked for
 * once a decay, in the slabs of threads that are awake too: those do without their cache for
 * a fraction of a millisecond.
 */
#include <config.h>

#include "upkeep/reclaim.h"

#include <stdatomic.h>

#include "back/charge.h"
#include "front/seizure.h"
#include "upkeep/comb.h"
#include "upkeep/release_policy.h"
#include "os/process.h"
#include "os/thread.h"
#include "os/vm.h"
#include "support/options.h"

#define LOOKS_PER_DECAY	4
#define WORTH_BYTES	((size_t)256 << 10)	/* for less nobody is woken four times a decay */
#define LOOK_NS_LEAST	10000000ull
#define TICK_NS_MOST	3000000ull	/* strays and the clock wait no longer */
#define COMB_NS_LEAST	200000ull	/* a thread that is awake lends its cache for so long */
#define COMB_NS_PRESSED	300000ull	/* the same, when the heap grows although much is free */
#define WASTE_SHARE	4		/* that much of the heap in free blocks of slabs, … */
#define WASTE_LEAST	(16 * MiB)	/* … and so much, and rounds come twice as often */
#define LEAST_PERCENT	25		/* fewer holes are not worth splitting what holds them */
#define LEAST_PERCENT_PRESSED	6	/* but one page of 16 is, while the heap grows */
#define GROWTH_LEAST	(4 * MiB)	/* of the heap's pages: by so much … */
#define GROWTH_SHARE	32		/* … and one in so many, and it is asked what it wastes */
#define WATCHED_SHARE	8		/* so much of that, and it is looked at often */
#define WATCH_NS_LEAST	2000000ull	/* between two looks at how it grows */

/* What is to be done with a cache: bits of seized.pending. */
enum reclaim_pending { PENDING_EMPTY = 1, PENDING_COMB = 2 };

/* The helper's alone. */
static struct {
	uint64_t look_ns;		/* between two */
	uint64_t next_ns;		/* when the next is due */
	uint64_t over_ns;		/* when this tick's time is up */
	uint64_t lent_ns;		/* until when no thread gets its cache back */
	uint8_t round;			/* of combing */
	uint64_t looks;			/* since the round began */
	bool combs_now;			/* this look begins a round */
	bool unsettled;			/* some cache is to be looked at again … */
	size_t unsettled_bytes;		/* … and so much may be had from those */
	bool combs;			/* some heap is due in the next round */
	bool wastes;			/* much of the heap is free blocks in slabs */
	uint64_t pressed_until_ns;	/* and yet it grew: rounds do not wait for threads */
	size_t grown_from;		/* pages in units, when that was last looked at */
	size_t seen_bytes;		/* the same, when it was last seen to grow */
	uint64_t watch_ns;		/* between two looks at how it grows */
	bool pending;			/* some cache is to be emptied or combed */
} reclaim;

static struct {
	/* relaxed: counts */
	_Atomic size_t seizures, emptied, combed, pinned, pinned_threads;
} counts;

static void reclaim_count(_Atomic size_t *counter, size_t amount)
{
	atomic_fetch_add_explicit(counter, amount, memory_order_relaxed);
}

static void take_options(uint64_t now_ns)
{
	reclaim.look_ns = release_policy_decay_ns(options.release, options.decay_ms) /
			  LOOKS_PER_DECAY;
	if (reclaim.look_ns < LOOK_NS_LEAST)
		reclaim.look_ns = LOOK_NS_LEAST;
	if (reclaim.next_ns > now_ns + reclaim.look_ns)
		reclaim.next_ns = now_ns + reclaim.look_ns;
}

bool reclaim_is_pressed(void)
{
	return process_now_ns() < reclaim.pressed_until_ns;
}

void reclaim_begin(void)
{
	reclaim.next_ns = process_now_ns();
	reclaim.watch_ns = WATCH_NS_LEAST;
	take_options(reclaim.next_ns);
}

/* Different after nearly any use; what is missed is looked at again. */
static uint64_t RACY_READER sum_of(struct thread_cache *cache)
{
	uint64_t sum = cache->outbox.pending;
	unsigned class;

	for (class = 0; class < CLASS_COUNT; class++) {
		const struct bin *bin = &cache->bins[class];

		sum = (sum ^ (uintptr_t)bin_newest(bin)) * 0x9e3779b97f4a7c15ull;
		sum += (uintptr_t)bin->top;
		sum += counted_blocks(&cache->counted, class) * 3;
	}
	return sum;
}

static size_t RACY_READER bytes_in_bins(struct thread_cache *cache)
{
	size_t bytes = 0;
	unsigned class;

	for (class = 0; class < CLASS_COUNT; class++)
		bytes += ((size_t)thread_cache_bin_count(&cache->bins[class]) +
			  counted_blocks(&cache->counted, class)) *
			 size_class_table[class].size;
	return bytes;
}

static bool is_over(struct thread_cache *cache)
{
	return seizure_is_wanted_back(cache) || process_now_ns() >= reclaim.over_ns;
}

static bool comb_is_over(void *cache)
{
	uint64_t now_ns = process_now_ns();

	return now_ns >= reclaim.over_ns ||
	       (now_ns >= reclaim.lent_ns && seizure_is_wanted_back(cache));
}

static bool is_never_over(void *argument)
{
	(void)argument;
	return false;
}

static uint32_t release_at_once(const struct release_span *spans, unsigned spans_count)
{
	return release_spans(spans, spans_count, true);
}

/* A huge page is not free before all of it is: it is split first, where the kernel does that. */
static uint32_t release_one_by_one(const struct release_span *spans, unsigned spans_count)
{
	uint32_t released = 0;
	unsigned i;

	for (i = 0; i < spans_count; i++) {
		vm_cool(spans[i].start, vm_page_size());
		if (release_range(spans[i].start, spans[i].bytes))
			released |= (uint32_t)1 << i;
	}
	return released;
}

/* Of a cache that was seized. True: all of it. */
static bool comb_seized(struct thread_cache *cache)
{
	bool is_pressed = reclaim_is_pressed();
	struct comb comb = {
		.release = release_at_once,
		.is_over = comb_is_over,
		.argument = cache,
		.round = reclaim.round,
		.sorts = is_pressed,
		.least_percent = is_pressed ? LEAST_PERCENT_PRESSED : LEAST_PERCENT,
		.page_bytes = vm_page_size(),
	};

	reclaim.lent_ns = process_now_ns() + (is_pressed ? COMB_NS_PRESSED : COMB_NS_LEAST);
	comb_heap(&comb, &cache->heap);
	reclaim_count(&counts.combed, comb.released_bytes);
	return !comb.stopped;
}

static bool empty_seized(struct thread_cache *cache, seizure_is_over *over)
{
	reclaim_count(&counts.emptied, seizure_empty(cache, over));
	reclaim_count(&counts.seizures, 1);
	return !over(cache);
}

/* Of a cache that was seized. Returns what is left to do. */
static uint8_t work_on_seized(struct thread_cache *cache, uint8_t pending)
{
	if (pending & PENDING_EMPTY && empty_seized(cache, is_over))
		pending &= (uint8_t)~PENDING_EMPTY;
	if (pending & PENDING_COMB && comb_seized(cache))
		pending &= (uint8_t)~PENDING_COMB;
	/* The thread has woken: what it kept it will use. */
	if (seizure_is_wanted_back(cache))
		pending &= reclaim_is_pressed() ? PENDING_COMB : 0;
	cache->seized.sum = sum_of(cache);
	return pending;
}

/* What was begun goes on at the next tick. */
static void work_on(struct thread_cache *cache)
{
	uint8_t pending = cache->seized.pending;

	if (!pending || process_now_ns() >= reclaim.over_ns)
		return;
	cache->seized.pending = 0;
	if (!seizure_take(cache))
		return;
	cache->seized.pending = work_on_seized(cache, pending);
	seizure_put(cache);
}

static void work_on_heap(struct heap *heap, void *argument)
{
	struct thread_cache *cache = thread_cache_of_heap(heap);

	(void)argument;
	work_on(cache);
	reclaim.pending |= cache->seized.pending != 0;
}

static void reclaim_look_at(struct thread_cache *cache)
{
	struct seized_cache *seized = &cache->seized;
	uint64_t sum = sum_of(cache);
	bool has_come = remote_free_has_come(&cache->heap);

	if (sum != seized->sum) {
		seized->sum = sum;
		seized->looks = 0;
		seized->pending &= (uint8_t)~PENDING_EMPTY;
	} else if (seized->looks < 2) {
		seized->looks++;
	}
	/* Others may free all the time what is a sleeping thread's: that is no use of the cache. */
	if (seized->looks == 1 || (seized->looks == 2 && has_come))
		seized->pending |= PENDING_EMPTY;
	if (reclaim.combs_now && comb_is_due(&cache->heap))
		seized->pending |= PENDING_COMB;
	if (seized->looks < 2)
		reclaim.unsettled_bytes += bytes_in_bins(cache);
	reclaim.unsettled |= seized->looks < 2 || has_come;
	reclaim.combs |= comb_is_due(&cache->heap);
	reclaim.pending |= seized->pending != 0;
}

struct pinned {
	size_t bytes, threads;
	size_t free_bytes;	/* in slabs of all heaps */
};

static size_t free_in_slabs(const struct heap *heap)
{
	size_t bytes = 0;
	unsigned class;

	for (class = 0; class < CLASS_COUNT; class++)
		bytes += (size_t)(heap_count_read(&heap->counts[class].free) -
				  heap_count_read(&heap->counts[class].untouched)) *
			 size_class_table[class].size;
	return bytes;
}

static void look_at_heap(struct heap *heap, void *argument)
{
	struct thread_cache *cache = thread_cache_of_heap(heap);
	struct pinned *pinned = argument;
	size_t bytes;

	if (heap_is_frozen(heap) || (heap_is_kept(heap) && !heap_is_common(heap)))
		return;
	reclaim_look_at(cache);
	pinned->free_bytes += free_in_slabs(heap);
	/* It was emptied, had it been possible. */
	bytes = cache->seized.looks > 1 ? bytes_in_bins(cache) : 0;
	pinned->bytes += bytes;
	pinned->threads += bytes > 0;
}

static void reclaim_look(uint64_t late_ns)
{
	struct pinned pinned = { 0, 0, 0 };

	reclaim.unsettled = reclaim.combs = false;
	reclaim.unsettled_bytes = 0;
	/* Those that were slept through count too. */
	reclaim.looks += 1 + late_ns / reclaim.look_ns;
	reclaim.combs_now = reclaim.looks >= LOOKS_PER_DECAY / (reclaim.wastes ? 2 : 1) &&
			    options.release != RELEASE_MODE_LATENCY;
	if (reclaim.combs_now)
		reclaim.round = (uint8_t)(reclaim.round % COMB_ROUNDS + 1);
	reclaim.looks = reclaim.combs_now ? 0 : reclaim.looks % LOOKS_PER_DECAY;
	heap_visit_all(look_at_heap, &pinned);
	reclaim.wastes = pinned.free_bytes > WASTE_LEAST &&
			 pinned.free_bytes > charge_taken_bytes() / WASTE_SHARE;
	atomic_store_explicit(&counts.pinned, pinned.bytes, memory_order_relaxed);
	atomic_store_explicit(&counts.pinned_threads, pinned.threads, memory_order_relaxed);
}

static void note_free(struct heap *heap, void *free_bytes)
{
	struct thread_cache *cache = thread_cache_of_heap(heap);

	if (heap_is_frozen(heap) || (heap_is_kept(heap) && !heap_is_common(heap)))
		return;
	*(size_t *)free_bytes += free_in_slabs(heap);
	if (comb_is_due(heap))
		cache->seized.pending |= PENDING_COMB;
}

/* A unit more now and then is no growth. */
static void reclaim_watch(size_t now_bytes, size_t least)
{
	if (now_bytes < reclaim.seen_bytes)
		reclaim.seen_bytes = now_bytes;
	reclaim.watch_ns = min_size(reclaim.watch_ns * 2, reclaim.look_ns);
	if (now_bytes < reclaim.seen_bytes + least)
		return;
	reclaim.seen_bytes = now_bytes;
	reclaim.watch_ns = WATCH_NS_LEAST;
}

/*
 * A heap that grows while much of it is free blocks is of another shape now than it was: the
 * holes are looked for at once, and as often as it has grown by another part of itself.
 */
static void look_at_growth(void)
{
	size_t now_bytes = charge_populated_bytes(), free_bytes = 0;
	size_t step = max_size(GROWTH_LEAST, now_bytes / GROWTH_SHARE);

	reclaim_watch(now_bytes, step / WATCHED_SHARE);
	if (now_bytes < reclaim.grown_from)
		reclaim.grown_from = now_bytes;
	if (now_bytes < reclaim.grown_from + step || reclaim.pending ||
	    options.release == RELEASE_MODE_LATENCY)
		return;
	reclaim.grown_from = now_bytes;
	heap_visit_all(note_free, &free_bytes);
	reclaim.pending = free_bytes > WASTE_LEAST && free_bytes > now_bytes / WASTE_SHARE;
	if (!reclaim.pending)
		return;
	reclaim.pressed_until_ns = process_now_ns() + reclaim.look_ns * LOOKS_PER_DECAY;
	reclaim.round = (uint8_t)(reclaim.round % COMB_ROUNDS + 1);
}

/* A process in which only holes are left to be looked for is woken once a round. */
static uint64_t reclaim_sleep_ns(uint64_t now_ns)
{
	uint64_t sleep = reclaim.next_ns - now_ns;

	if (reclaim.watch_ns < reclaim.look_ns)
		return min_size(sleep, reclaim.watch_ns);
	if (reclaim.unsettled_bytes >= WORTH_BYTES)
		return sleep;
	if (reclaim.unsettled)
		return sleep + reclaim.look_ns * (LOOKS_PER_DECAY - 1);
	if (!reclaim.combs || options.release == RELEASE_MODE_LATENCY)
		return UINT64_MAX;
	return sleep + (LOOKS_PER_DECAY - 1 - reclaim.looks) * reclaim.look_ns;
}

uint64_t reclaim_tick(void)
{
	uint64_t now_ns = process_now_ns();

	take_options(now_ns);
	reclaim.over_ns = now_ns + TICK_NS_MOST;
	if (now_ns >= reclaim.next_ns) {
		reclaim_look(now_ns - reclaim.next_ns);
		reclaim.next_ns = now_ns + reclaim.look_ns;
	}
	look_at_growth();
	if (reclaim.pending) {
		reclaim.pending = false;
		heap_visit_all(work_on_heap, NULL);
	}
	if (reclaim.pending)
		return reclaim_is_pressed() ? WATCH_NS_LEAST / 2 : 0;
	return reclaim_sleep_ns(now_ns);
}

size_t reclaim_heap(struct heap *heap, bool by_helper)
{
	struct comb comb = {
		.release = by_helper ? release_at_once : release_one_by_one,
		.is_over = is_never_over,
		.page_bytes = vm_page_size(),
	};

	comb_heap(&comb, heap);
	reclaim_count(&counts.combed, comb.released_bytes);
	return comb.released_bytes;
}

bool reclaim_nap(struct reclaim_purge *purge)
{
	if (!purge->naps)
		return false;
	thread_nap(RECLAIM_NAP_NS);
	return purge->naps--;
}

static bool purge_taken(struct heap *heap, struct reclaim_purge *purge)
{
	struct thread_cache *cache = thread_cache_of_heap(heap);

	if (heap_is_frozen(heap) || !seizure_take(cache))
		return false;
	empty_seized(cache, seizure_is_wanted_back);
	purge->bytes += reclaim_heap(heap, purge->by_helper);
	seizure_put(cache);
	return true;
}

static void purge_heap(struct heap *heap, void *purge)
{
	purge_taken(heap, purge);
}

/* Only here others are waited for: most that were in hand at the first pass are not now. */
static void purge_again(struct heap *heap, void *purge)
{
	if (!remote_free_has_come(heap) && !heap_is_held(heap))
		return;
	while (!purge_taken(heap, purge) && heap_is_held(heap) && reclaim_nap(purge))
		;
}

void reclaim_all(struct reclaim_purge *purge)
{
	heap_visit_all(purge_heap, purge);
}

void reclaim_arrived(struct reclaim_purge *purge)
{
	heap_visit_all(purge_again, purge);
}

void reclaim_read(struct reclaim_counts *read)
{
	read->seizures = atomic_load_explicit(&counts.seizures, memory_order_relaxed);
	read->emptied = atomic_load_explicit(&counts.emptied, memory_order_relaxed);
	read->combed = atomic_load_explicit(&counts.combed, memory_order_relaxed);
	read->pinned = atomic_load_explicit(&counts.pinned, memory_order_relaxed);
	read->pinned_threads = atomic_load_explicit(&counts.pinned_threads, memory_order_relaxed);
}
