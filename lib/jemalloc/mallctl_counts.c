/* SPDX-License-Identifier: MIT */
/*
 * mallctl_counts.c - see mallctl_counts.h. What the kernel says is asked by the thread that writes
 * epoch: it is there without a helper too, and true at once after a purge.
 */
#include <config.h>

#include "jemalloc/mallctl_counts.h"

#include <stdatomic.h>
#include <stdint.h>

#include "back/metadata.h"
#include "back/reservation.h"
#include "back/superslab.h"
#include "control/ledger.h"
#include "os/process.h"
#include "os/program.h"
#include "os/residence.h"
#include "support/page_size.h"

#define AGE_COSTS	200	/* the kernel is asked again after so many times what it took */
#define CHANGE_PART	16	/* or when the heap has changed by more than this part */

/* relaxed, all of it: numbers of a moment. */
static _Atomic size_t counts[MALLCTL_COUNTS];
static _Atomic bool refreshed;
static _Atomic uint64_t fresh_until_ns;
static _Atomic size_t resident_heap, resident_metadata;
static _Atomic size_t guessed_then;	/* guess_heap(), when the kernel was asked */

static void mallctl_counts_set(enum mallctl_count count, uint64_t value)
{
	atomic_store_explicit(&counts[count], value, memory_order_relaxed);
}

static void set_resident(size_t heap, size_t metadata)
{
	atomic_store_explicit(&resident_heap, heap, memory_order_relaxed);
	atomic_store_explicit(&resident_metadata, metadata, memory_order_relaxed);
}

/* Where the kernel does not say: what was used and not given back. */
static size_t guess_heap(const struct control_ledger *ledger)
{
	return ledger->slabs_bytes - min_size(ledger->slabs_bytes, ledger->slabs_untouched_bytes) +
	       ledger->units_free_bytes + ledger->queued_bytes + ledger->stock_bytes +
	       ledger->large_live_bytes + ledger->large_free_dirty_bytes;
}

static size_t guess_metadata(const struct control_ledger *ledger)
{
	return metadata_bytes() + (size_t)ledger->superslabs * SUPERSLAB_RECORD_BYTES;
}

static void mallctl_counts_ask_kernel(const struct control_ledger *ledger)
{
	uint64_t heap, metadata, end = reservation.base + reservation_end_bytes();

	/* A filter might kill for the question. */
	if (program_has_sandboxed_itself())
		set_resident(guess_heap(ledger), guess_metadata(ledger));
	else if (residence_of_range(reservation.base, end, &heap) &&
		 residence_of_range(reservation_metadata_start(), reservation.base, &metadata))
		set_resident(heap, metadata);
	else if (residence_of_mapped(reservation.base, end, &heap))
		set_resident(heap, guess_metadata(ledger));
	else
		set_resident(guess_heap(ledger), guess_metadata(ledger));
}

/* What the heap has grown by since the kernel was asked; less than none: it has shrunk. */
static int64_t change_since(const struct control_ledger *ledger)
{
	return (int64_t)guess_heap(ledger) -
	       (int64_t)atomic_load_explicit(&guessed_then, memory_order_relaxed);
}

static bool resident_is_fresh(const struct control_ledger *ledger, uint64_t now_ns)
{
	int64_t part = (int64_t)(atomic_load_explicit(&resident_heap, memory_order_relaxed) /
				 CHANGE_PART);
	int64_t change = change_since(ledger);

	return now_ns < atomic_load_explicit(&fresh_until_ns, memory_order_relaxed) &&
	       change <= part && -change <= part;
}

/*
 * To ask for a large heap takes its time, so a program that asks ten times a second gets older
 * ones, as long as not much has happened.
 */
static void look_at_kernel(const struct control_ledger *ledger)
{
	uint64_t before_ns = process_now_ns(), after_ns;

	if (!reservation.bytes || resident_is_fresh(ledger, before_ns))
		return;
	mallctl_counts_ask_kernel(ledger);
	atomic_store_explicit(&guessed_then, guess_heap(ledger), memory_order_relaxed);
	after_ns = process_now_ns();
	atomic_store_explicit(&fresh_until_ns, after_ns + AGE_COSTS * (after_ns - before_ns),
			      memory_order_relaxed);
}

static size_t pages_of(uint64_t bytes)
{
	return align_up(bytes, page_size());
}

/* What the kernel said, and what has come or gone since. */
static size_t heap_now(const struct control_ledger *ledger)
{
	int64_t then = (int64_t)atomic_load_explicit(&resident_heap, memory_order_relaxed);
	int64_t now = reservation.bytes ? then + change_since(ledger) : then;

	return now < 0 ? 0 : (size_t)now;
}

/* Free blocks that were combed out are without pages, so the kernel's word bounds it. */
static size_t active(const struct control_ledger *ledger, size_t allocated)
{
	size_t most = heap_now(ledger);
	size_t held = allocated + ledger->thread_caches_bytes + ledger->in_transit_bytes +
		      ledger->slabs_free_bytes + ledger->slab_tails_bytes;

	return pages_of(max_size(allocated, min_size(held, most)));
}

static void set_space(const struct control_ledger *ledger)
{
	size_t dirty = ledger->units_free_bytes + ledger->queued_bytes + ledger->releasing_bytes +
		       ledger->stock_bytes + ledger->large_free_dirty_bytes;
	size_t mapped = ledger->slabs_bytes + ledger->large_live_bytes + dirty;

	mallctl_counts_set(MALLCTL_COUNT_DIRTY, dirty);
	mallctl_counts_set(MALLCTL_COUNT_MAPPED, mapped);
	mallctl_counts_set(MALLCTL_COUNT_RETAINED,
			   ledger->opened_bytes - min_size(mapped, ledger->opened_bytes));
}

void mallctl_counts_refresh(void)
{
	struct control_ledger ledger;
	size_t allocated, metadata;

	ledger_read(&ledger);
	look_at_kernel(&ledger);
	allocated = ledger.blocks_live_bytes + ledger.large_live_bytes;
	metadata = atomic_load_explicit(&resident_metadata, memory_order_relaxed);
	mallctl_counts_set(MALLCTL_COUNT_ALLOCATED, allocated);
	mallctl_counts_set(MALLCTL_COUNT_ACTIVE, active(&ledger, allocated));
	mallctl_counts_set(MALLCTL_COUNT_METADATA, metadata);
	mallctl_counts_set(MALLCTL_COUNT_RESIDENT, metadata + heap_now(&ledger));
	set_space(&ledger);
	mallctl_counts_set(MALLCTL_COUNT_CACHED, ledger.thread_caches_bytes);
	mallctl_counts_set(MALLCTL_COUNT_SMALL, ledger.blocks_live_bytes);
	mallctl_counts_set(MALLCTL_COUNT_LARGE, ledger.large_live_bytes);
	mallctl_counts_set(MALLCTL_COUNT_THREADS, ledger.threads);
	mallctl_counts_set(MALLCTL_COUNT_UP_NS, ledger.up_ns);
	atomic_store_explicit(&refreshed, true, memory_order_relaxed);
}

size_t mallctl_counts_read(enum mallctl_count count)
{
	if (!atomic_load_explicit(&refreshed, memory_order_relaxed))
		mallctl_counts_refresh();
	return atomic_load_explicit(&counts[count], memory_order_relaxed);
}

void mallctl_counts_forget(void)
{
	atomic_store_explicit(&fresh_until_ns, 0, memory_order_relaxed);
}
