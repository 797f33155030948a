/* SPDX-License-Identifier: MIT */
/*
 * ledger.c - see ledger.h. Each part fills in what it knows; what is not known stays zero.
 */
#include <config.h>

#include "control/ledger.h"

#include <stdatomic.h>
#include <string.h>

#include "back/brought.h"
#include "back/large.h"
#include "back/large_count.h"
#include "back/limit.h"
#include "upkeep/placement.h"
#include "upkeep/populate_ahead.h"
#include "back/release.h"
#include "upkeep/release_large.h"
#include "back/stock.h"
#include "back/superslab.h"
#include "back/superslab_record.h"
#include "back/wait_count.h"
#include "upkeep/helper_mode.h"
#include "control/limits.h"
#include "control/page_count.h"
#include "upkeep/rungs.h"
#include "control/usage.h"
#include "front/malloc.h"
#include "upkeep/reclaim.h"
#include "os/clock.h"
#include "os/process.h"
#include "os/program.h"
#include "os/topology.h"
#include "os/vm.h"
#include "support/log.h"

/* they lie pages apart: each is asked for before its turn */
#define RECORDS_AHEAD		8

/* relaxed: numbers of a moment */
static _Atomic uint32_t clients;
static _Atomic uint64_t resident_bytes;

static _Atomic uint64_t lag_ns, lag_max_ns;
static uint64_t loaded_ns;		/* by the constructor */

void ledger_init(void)
{
	loaded_ns = clock_now_ns();
}

static uint64_t ledger_get(const _Atomic uint64_t *number)
{
	return atomic_load_explicit(number, memory_order_relaxed);
}

static void ledger_set(_Atomic uint64_t *number, uint64_t value)
{
	atomic_store_explicit(number, value, memory_order_relaxed);
}

void ledger_note_lag(uint64_t lag)
{
	ledger_set(&lag_ns, lag);
	if (lag > ledger_get(&lag_max_ns))
		ledger_set(&lag_max_ns, lag);
}

static void add_class(struct control_ledger *ledger, unsigned class, const struct usage_class *of)
{
	const struct size_class *size_class = &size_class_table[class];
	uint64_t size = size_class->size;

	ledger->asked_bytes += usage_asked(class, of);
	ledger->asked_samples += of->samples;
	ledger->blocks_live_bytes += of->live * size;
	ledger->blocks_live_count += of->live;
	ledger->thread_caches_bytes += of->cached * size;
	ledger->slabs_untouched_bytes += of->untouched * size;
	ledger->slabs_free_bytes +=
		(of->free > of->untouched ? of->free - of->untouched : 0) * size;
	ledger->in_transit_bytes += of->in_transit * size;
	ledger->slabs_bytes += of->slabs * size_class->units * UNIT_SIZE;
	ledger->slab_tails_bytes +=
		of->slabs * (size_class->units * UNIT_SIZE - size_class->capacity * size);
}

static void add_blocks(struct control_ledger *ledger)
{
	struct usage_class classes[CLASS_COUNT];
	struct large_counts large = large_count_read();
	unsigned class;

	usage_read_classes(classes);
	for (class = 0; class < CLASS_COUNT; class++)
		add_class(ledger, class, &classes[class]);
	ledger->asked_bytes += large.asked_bytes;
	ledger->large_live_bytes = large.live_bytes;
	ledger->large_live_count = large.live_blocks;
	ledger->large_free_dirty_bytes = large.free_dirty_bytes;
	ledger->large_free_clean_bytes = large.free_clean_bytes;
	if (ledger->blocks_live_bytes + large.live_bytes > ledger->asked_bytes)
		ledger->rounding_bytes =
			ledger->blocks_live_bytes + large.live_bytes - ledger->asked_bytes;
}

static void ledger_add_heap(struct heap *heap, void *argument)
{
	struct control_ledger *ledger = argument;
	uint32_t hold = atomic_load_explicit(&heap->hold, memory_order_relaxed);
	unsigned class;

	ledger->heaps++;
	ledger->threads += hold == HEAP_OWNED || hold == HEAP_SEIZED || hold == HEAP_RESTING;
	for (class = 0; class < CLASS_COUNT; class++)
		ledger->remote_frees += heap_count_read(&heap->counts[class].sent);
}

/* due: the helper's alone, so of a moment. */
static void RACY_READER add_superslabs(struct control_ledger *ledger)
{
	uint32_t index, count = superslab_count();

	for (index = 0; index < count; index++) {
		const struct superslab *superslab = superslab_at(index);
		uint32_t free =
			(uint32_t)atomic_load_explicit(&superslab->units, memory_order_relaxed);
		uint32_t used = atomic_load_explicit(&superslab->populated, memory_order_relaxed);
		uint32_t due = superslab->due & free & used;

		__builtin_prefetch(superslab_at(index + RECORDS_AHEAD));
		if (!free)
			continue;
		ledger->queued_bytes += (uint64_t)__builtin_popcount(due) * UNIT_SIZE;
		ledger->units_free_bytes +=
			(uint64_t)__builtin_popcount(free & used & ~due) * UNIT_SIZE;
		ledger->units_clean_bytes += (uint64_t)__builtin_popcount(free & ~used) * UNIT_SIZE;
	}
	ledger->superslabs = count;
}

static void add_populating(struct control_ledger *ledger)
{
	struct populate_ahead_counts ahead;
	unsigned home;

	populate_ahead_read(&ahead);
	ledger->stock_bytes = ahead.stock;
	ledger->brought_bytes = brought_bytes();
	ledger->armed_bytes = ahead.armed;
	ledger->moved_bytes = ahead.moved;
	ledger->copied_bytes = ahead.copied;
	ledger->touched_bytes = ahead.touched;
	ledger->dropped_bytes = ahead.dropped;
	ledger->strays = ahead.strays;
	for (home = 0; home < topology.homes; home++) {
		struct stock_demand demand = stock_read_demand(home);

		ledger->taken_ahead_bytes +=
			(uint64_t)(demand.taken - demand.missed) * SUPERSLAB_SIZE;
		ledger->taken_plain_bytes += (uint64_t)demand.missed * SUPERSLAB_SIZE;
	}
}

/* Free runs that are due or on their way are among the free ones, while it lasts. */
static void take_large_released(struct control_ledger *ledger)
{
	size_t queued, flying;

	release_large_read(&queued, &flying);
	flying = min_size(flying, ledger->large_free_dirty_bytes);
	ledger->large_free_dirty_bytes -= flying;
	queued = min_size(queued > flying ? queued - flying : 0, ledger->large_free_dirty_bytes);
	ledger->large_free_dirty_bytes -= queued;
	ledger->queued_bytes += queued;
}

static void add_waiting(struct control_ledger *ledger)
{
	struct wait_counts waits;

	wait_count_read(&waits);
	ledger->waits = waits.waits;
	ledger->wait_p99_ns = waits.p99_ns;
	ledger->wait_max_ns = waits.most_ns;
	ledger->refused = malloc_failures();
}

static void add_releasing(struct control_ledger *ledger)
{
	struct reclaim_counts reclaimed;
	struct release_counts counts;

	release_read(&counts);
	ledger->released_ring_bytes = counts.ring;
	ledger->released_vector_bytes = counts.vector;
	ledger->released_call_bytes = counts.plain;
	ledger->released_bytes = counts.ring + counts.vector + counts.plain;
	ledger->release_failures = counts.refused;
	ledger->released_trim_bytes = counts.trimmed;
	ledger->release_calls = counts.calls;
	ledger->releasing_bytes = counts.in_flight;
	take_large_released(ledger);
	reclaim_read(&reclaimed);
	ledger->pinned_bytes = reclaimed.pinned;
	ledger->pinned_threads = reclaimed.pinned_threads;
}

static void add_placement(struct control_ledger *ledger)
{
	struct placement_counts counts;

	placement_read(&counts);
	ledger->nodes = topology.homes;
	ledger->homes = topology.homes;
	ledger->misplaced_bytes = counts.misplaced;
	ledger->misplaced_moved_bytes = counts.moved;
	ledger->spilled_bytes = superslab_spilled_bytes() + large_spilled_bytes();
}

static void add_space(struct control_ledger *ledger)
{
	ledger->opened_bytes = reservation_opened_bytes();
	ledger->reserved_bytes = reservation.bytes;
	ledger->heap_start = reservation.base;
	ledger->heap_end = reservation.base + reservation_end_bytes();
	ledger->metadata_start = reservation_metadata_start();
	ledger->metadata_end = reservation.base;
}

static void add_kernel(struct control_ledger *ledger)
{
	struct page_counts pages = page_count_read();

	ledger->rss_bytes = ledger_get(&resident_bytes);
	ledger->populated_bytes = pages.heap_bytes;
	ledger->populated_huge_bytes = pages.huge_bytes;
	ledger->populated_ns = pages.asked_ns;
	ledger->populated_rss_bytes = pages.resident_then_bytes;
	ledger->populated_pass_ns = pages.pass_ns;
	ledger->metadata_bytes = pages.metadata_bytes;
	ledger->application_calls = vm_calls_of_application();
	ledger->helper_calls = vm_calls_of_helper();
}

static void add_limits(struct control_ledger *ledger)
{
	struct control_limit limit;

	limits_read(&limit);
	ledger->limit_soft_bytes = limit.soft_bytes;
	ledger->limit_hard_bytes = limit.hard_bytes;
	ledger->limit_action = limit.action;
	ledger->limit_taken_bytes = limit_held_bytes();
}

/* "way: why not a better one", taken apart. */
static void describe(struct control_ledger *ledger)
{
	char text[sizeof(ledger->mode) + sizeof(ledger->notice)];
	char *reason;

	helper_mode_describe(text, sizeof(text));
	reason = strstr(text, ": ");
	if (reason) {
		*reason = '\0';
		log_format_text(ledger->notice, sizeof(ledger->notice), "%s", reason + 2);
	}
	log_format_text(ledger->mode, sizeof(ledger->mode), "%s%s", text,
			rungs_state(RUNG_RING) == CONTROL_RUNG_ON ? ",io_uring" : "");
}

void ledger_read(struct control_ledger *ledger)
{
	memset(ledger, 0, sizeof(*ledger));
	ledger->taken_ns = process_now_ns();
	ledger->up_ns = loaded_ns ? ledger->taken_ns - loaded_ns : 0;
	if (reservation.bytes) {
		add_blocks(ledger);
		add_superslabs(ledger);
		heap_visit_all(ledger_add_heap, ledger);
		ledger->thread_caches_count = ledger->threads;
	}
	add_space(ledger);
	add_populating(ledger);
	add_releasing(ledger);
	add_placement(ledger);
	add_waiting(ledger);
	add_kernel(ledger);
	add_limits(ledger);
	ledger->clients = atomic_load_explicit(&clients, memory_order_relaxed);
	ledger->helper_wakeups = helper_mode_wakeups();
	ledger->helper_lag_ns = ledger_get(&lag_ns);
	ledger->helper_lag_max_ns = ledger_get(&lag_max_ns);
	describe(ledger);
}

void ledger_note_clients(uint32_t count)
{
	atomic_store_explicit(&clients, count, memory_order_relaxed);
}

void ledger_read_with_kernel(struct control_ledger *ledger)
{
	page_count_ask();
	ledger_set(&resident_bytes, program_resident_bytes());
	ledger_read(ledger);
}
