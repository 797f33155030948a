/* SPDX-License-Identifier: MIT */
/*
 * sampled.c - see sampled.h. The heaps are thread caches without a thread, as those of own_heap.c:
 * whoever samples takes one that nobody works in, or makes another.
 */
#include <config.h>

#include "front/sampled.h"

#include "back/large_run.h"
#include "back/metadata.h"
#include "front/lease.h"
#include "os/process.h"
#include "profile/call_stack.h"
#include "profile/sample_table.h"
#include "profile/stack_table.h"
#include "support/probe.h"

/* block, bytes asked for, 256ths of objects that it stands for, number of its stack, its frames */
PROBE(sample);
PROBE(sample_free);	/* block, ns that it lived */

#define FRAMES_TOLD	8

struct seat {
	struct thread_cache cache;
	struct seat *next;		/* written before it is known */
};

static _Atomic(struct seat *) seats;	/* release: pairs with the acquire in take_seat */
static _Atomic uint32_t large_samples;	/* that live; relaxed: a count */

static struct seat *make_seat(unsigned home)
{
	struct seat *seat = metadata_take(sizeof(*seat));
	struct seat *head = atomic_load_explicit(&seats, memory_order_relaxed);

	if (!seat)
		return NULL;
	seat->cache.has_samples = true;
	heap_make_common(&seat->cache.heap);	/* the helper looks after it */
	thread_cache_init(&seat->cache, home);
	do {
		seat->next = head;
	} while (!atomic_compare_exchange_weak_explicit(&seats, &head, seat, memory_order_release,
							memory_order_relaxed));
	return seat;
}

/* One that nobody works in; NULL: no memory. */
static struct seat *take_seat(unsigned home)
{
	struct seat *seat = atomic_load_explicit(&seats, memory_order_acquire);

	for (; seat; seat = seat->next)
		if (seat->cache.heap.home == home && heap_take_kept(&seat->cache.heap))
			return seat;
	return make_seat(home);
}

static void *take_block(unsigned home, unsigned class, unsigned alignment_units)
{
	struct seat *seat = take_seat(home);
	bool zeroed;
	void *block;

	if (!seat)
		return NULL;
	if (remote_free_is_waiting(&seat->cache.heap))
		remote_free_drain(&seat->cache.heap);
	block = heap_take_block(&seat->cache.heap, class, alignment_units, &zeroed);
	heap_put_kept(&seat->cache.heap);
	return block;
}

/* Home, at once where nobody works there. */
static void put_block(struct heap *owner, void *block)
{
	if (!heap_take_kept(owner)) {
		lease_send_home(block);
		return;
	}
	if (remote_free_is_waiting(owner))
		remote_free_drain(owner);
	heap_put_blocks(owner, &block, 1);
	heap_put_kept(owner);
}

/* False: there is no room for it. */
static bool note(struct thread_cache *cache, void *block, void *twin, size_t asked,
		 uint64_t objects)
{
	uint64_t frames[STACK_DEPTH_MOST];
	struct sample_copy sample = {
		.block = (uintptr_t)block,
		.twin = twin,
		.asked_bytes = asked,
		.objects = objects,
		.born_ns = process_now_ns(),
	};
	unsigned depth;

	depth = call_stack_read(frames, STACK_DEPTH_MOST);
	sample.stack = stack_table_find(frames, depth);
	stack_table_count(sample.stack, objects, objects * asked / SAMPLING_UNIT);
	/* A tracer reads so many without knowing the depth. */
	while (depth < FRAMES_TOLD)
		frames[depth++] = 0;
	PROBE_5(sample, block, asked, objects, sample.stack, frames);
	sampling_note_cost(&cache->counted.sampling, sample.born_ns, process_now_ns());
	return sample_table_add(&sample);
}

/* The same alignment of a whole slab's block, as a number of units. */
static unsigned alignment_units_of(const void *block, unsigned class)
{
	uintptr_t lowest = (uintptr_t)block & -(uintptr_t)block;

	if (class != CLASS_ALIGNED_UNIT && size_class_table[class].capacity > 1)
		return 1;
	return (unsigned)(min_size(lowest, SUPERSLAB_SIZE) >> UNIT_SHIFT);
}

void *sampled_take(struct thread_cache *cache, unsigned class, size_t asked, void *block)
{
	uint64_t objects = sampling_next(&cache->counted.sampling, class);
	bool is_small = size_class_table[class].size <= SAMPLED_TWIN_BYTES;
	void *sampled = take_block(cache->heap.home, class, alignment_units_of(block, class));

	if (!sampled)
		return block;
	if (!note(cache, sampled, is_small ? block : NULL, asked, objects)) {
		thread_cache_put_home(cache, sampled);
		return block;
	}
	if (!is_small)
		thread_cache_put_home(cache, block);
	return sampled;
}

void sampled_judge_large(struct thread_cache *cache, void *block, size_t asked)
{
	uint64_t objects;

	if (!profile_is_on() || heap_is_kept(&cache->heap))
		return;
	if (cache->counted.sampling.generation != profile_generation())
		sampling_begin(&cache->counted.sampling, profile_generation());
	objects = sampling_judge(&cache->counted.sampling, asked);
	if (objects && note(cache, block, NULL, asked, objects)) {
		large_run_at(reservation_unit_of(block))->sampled = 1;
		atomic_fetch_add_explicit(&large_samples, 1, memory_order_relaxed);
	}
}

void sampled_drop_large(void *block)
{
	struct large_unit *run;
	struct sample_copy sample;

	if (likely(!atomic_load_explicit(&large_samples, memory_order_relaxed)))
		return;
	run = large_run_at(reservation_unit_of(block));
	if (!reservation_large_unit_is_open(reservation_unit_of(block)) || !run->sampled)
		return;
	run->sampled = 0;
	if (!sample_table_take(block, &sample))
		return;
	PROBE_2(sample_free, block, process_now_ns() - sample.born_ns);
	atomic_fetch_sub_explicit(&large_samples, 1, memory_order_relaxed);
}

bool sampled_free(struct heap *owner, void *block, void **twin)
{
	struct sample_copy sample;

	if (!thread_cache_of_heap(owner)->has_samples)
		return false;
	/* Freed twice, or a pointer inside a block: its slab says so. */
	sample.twin = NULL;
	if (sample_table_take(block, &sample))
		PROBE_2(sample_free, block, process_now_ns() - sample.born_ns);
	put_block(owner, block);
	*twin = sample.twin;
	return true;
}
