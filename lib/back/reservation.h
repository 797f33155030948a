/* SPDX-License-Identifier: MIT */
/*
 * reservation.h - the address space of the heap, chosen once, and its frontier.
 *
 *    superslab records ◄──┐┌──► bins of units │ homes ◄──┐┌──► large units │ caches │ heap ──►
 *    (grow downwards)     ││    (8 B a unit)             ││                         │
 *                       anchor                     large_units                    base
 *
 * Nothing of it is mapped before it is used. It opens (PROT_READ | PROT_WRITE) chunk by chunk, each
 * a small part of what there is: a chunk becomes superslabs or part of the large range. Metadata
 * lies outside the memory it describes and opens a little ahead of it.
 *
 * Who may run with whom: anyone with anyone. Opening claims a chunk under the lock, calls
 * the kernel without it, and publishes the chunk under it again.
 */
#ifndef HAKMEM_BACK_RESERVATION_H
#define HAKMEM_BACK_RESERVATION_H

#include <stdatomic.h>
#include <stdbool.h>

#include "back/frontier.h"
#include "support/arch.h"
#include "support/compiler.h"
#include "support/index.h"
#include "support/size_class.h"

#define SUPERSLAB_SHIFT		ARCH_HUGE_PAGE_SHIFT
#define SUPERSLAB_SIZE		((size_t)1 << SUPERSLAB_SHIFT)	/* 2 MiB: one huge page */
#define SUPERSLAB_UNITS		32
#define SUPERSLAB_RECORD_BYTES	18560	/* see superslab.h */
#define LARGE_RECORD_BYTES	32	/* of a unit, see large_run.h */

#define UNIT_NONE		INDEX_NONE
#define SUPERSLAB_NONE		INDEX_NONE

/* What the fast path of free() needs; read-mostly, a cache line of its own. */
struct reservation {
	uintptr_t base;		/* first byte of the heap */
	size_t span_steps;	/* published heap in 16 B steps; 0: nothing is ours yet */
	void **bin_of_unit;	/* where a free block of the unit goes: see thread_cache.h */
	char *anchor;		/* superslab records end here */
	char *large_units;	/* records of the large range, see large_run.h; homes end here */
	size_t bytes;		/* heap address space */
	size_t limit_bytes;	/* of what may be mapped, at the start; SIZE_MAX: none */
	void *nobody;		/* the bin of units that hold no slab */
} CACHE_ALIGNED;

extern struct reservation reservation HIDDEN;

/*
 * Chooses the place. nobody: entry of units without a slab. Returns 0 or -errno. Once a process.
 */
int reservation_init(void *nobody);

/*
 * Opens at least units (a multiple of SUPERSLAB_UNITS), more as the heap is larger, for a home.
 * Returns 0 or -ENOMEM. 0 with chunk->units == 0: another thread has just opened a chunk of
 * this kind and home; the caller looks again.
 */
int reservation_open(uint32_t units, enum chunk_kind kind, unsigned home, struct chunk *chunk);

/* Opens the large range's records below a unit. Returns 0 or -errno. */
int reservation_open_large_records(uint32_t end_unit);

/* True if the record of this unit may be read: the frontier has passed it. */
bool reservation_unit_is_open(size_t unit);
/* The same for its record in the large range. */
bool reservation_large_unit_is_open(size_t unit);

/* Where the heap ends; bytes opened so far, which is less by what others have mapped in between. */
size_t reservation_end_bytes(void);
size_t reservation_opened_bytes(void);

/*
 * In a fork's child: blocks that the program kept out of it can be freed, and taken again, there;
 * what others were opening is free to be opened, if the frontier was whole.
 */
void reservation_after_fork_in_child(bool frontier_is_whole);

/* Where records begin that are opened; metadata ends at base. Holes lie between. */
uintptr_t reservation_metadata_start(void);

/*
 * A relaxed load: a block's unit was in the span before the block was handed out. Plain
 * where no sanitizer looks: compilers do not compare with memory that is read atomically, and
 * free() has no instruction to spare.
 */
static inline size_t reservation_span_steps(void)
{
#ifdef __SANITIZE_THREAD__
	return __atomic_load_n(&reservation.span_steps, __ATOMIC_RELAXED);
#else
	return reservation.span_steps;
#endif
}

static inline char *reservation_unit_start(size_t unit)
{
	return (char *)(reservation.base + (unit << UNIT_SHIFT));
}

/* Only for addresses of the heap. */
static inline uint32_t reservation_unit_of(const void *address)
{
	return (uint32_t)(((uintptr_t)address - reservation.base) >> UNIT_SHIFT);
}

/*
 * Once options.hardened is set: the span is empty from here on, so that every pointer takes
 * the slow paths. While the process has one thread.
 */
void reservation_hide_span(void);

#endif
