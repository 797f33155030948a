/* SPDX-License-Identifier: MIT */
/*
 * reservation.c - see reservation.h. Who opens which units is frontier.c's. Usually one thread
 * opens and the span simply grows over what it opened. When threads open at once it waits for the
 * lowest; blocks above it are found by free()'s slow path, which asks reservation_unit_is_open().
 */
#include <config.h>

#include "back/reservation.h"

#include <errno.h>

#include "back/metadata.h"
#include "back/populate.h"
#include "back/reservation_place.h"
#include "os/vm.h"
#include "support/options.h"

#define METADATA_AHEAD		2		/* metadata opens this many times further … */
#define METADATA_LEAST		(64 * MiB)	/* … and for this much of the heap */
#define CACHES_PER_HEAP_BYTE	512		/* heap bytes for a byte of thread caches */
/* one larger than the other: what others map there is passed over … */
#define GAPS_MOST		24
#define GAP_UNITS_MOST		((uint32_t)(64 * GiB >> UNIT_SHIFT))	/* … in steps up to this */

struct reservation reservation;
/* By the frontier's lock. */
static uint32_t span_unit;		/* published up to here */

/* Units whose records may be read. release in publish_*, acquire in the readers. */
static _Atomic uint32_t metadata_units, large_metadata_units;
static _Atomic size_t gap_units;	/* relaxed: a count */
/* In bytes behind the first record; each array ends where the next begins. */
struct layout {
	size_t anchor, larges, caches, heap;
};

static struct layout layout_of(size_t heap_bytes)
{
	size_t units = heap_bytes >> UNIT_SHIFT, superslabs = heap_bytes >> SUPERSLAB_SHIFT;
	struct layout at;

	at.anchor = align_up(superslabs * SUPERSLAB_RECORD_BYTES, SUPERSLAB_SIZE);
	at.larges = at.anchor + align_up(units * sizeof(void *), SUPERSLAB_SIZE) +
		    align_up(superslabs, SUPERSLAB_SIZE);
	at.caches = at.larges + align_up(units * LARGE_RECORD_BYTES, SUPERSLAB_SIZE);
	at.heap = at.caches + align_up(heap_bytes / CACHES_PER_HEAP_BYTE, SUPERSLAB_SIZE);
	return at;
}

static size_t bytes_with_metadata(size_t heap_bytes)
{
	return layout_of(heap_bytes).heap + heap_bytes + SUPERSLAB_SIZE;
}

int reservation_init(void *nobody)
{
	struct layout at;
	char *start;
	void *place;
	int error = reservation_place_find(bytes_with_metadata, &reservation.bytes, &place);

	reservation.nobody = nobody;
	reservation.limit_bytes = vm_limit();
	if (error)
		return error;
	frontier_begin((uint32_t)(reservation.bytes >> UNIT_SHIFT));
	at = layout_of(reservation.bytes);
	start = (char *)align_up((uintptr_t)place, SUPERSLAB_SIZE);
	reservation.anchor = start + at.anchor;
	reservation.bin_of_unit = (void **)reservation.anchor;
	reservation.large_units = start + at.larges;
	metadata_begin(start + at.caches, start + at.heap);
	reservation.base = (uintptr_t)start + at.heap;
	return 0;
}

/* Two arrays that grow away from each other: bytes from their anchor on, in whole pages. */
struct reach {
	size_t down, up;
};

static struct reach reach_of(size_t down, size_t up)
{
	return (struct reach){ align_up(down, vm_page_size()), align_up(up, vm_page_size()) };
}

static int open_between(char *anchor, struct reach from, struct reach to)
{
	int error;

	if (!from.down && !from.up)
		return reservation_place_open(anchor - to.down, to.down + to.up);
	error = reservation_place_open(anchor - to.down, to.down - from.down);
	return error ? error : reservation_place_open(anchor + from.up, to.up - from.up);
}

static struct reach records_of(size_t units)
{
	return reach_of(units / SUPERSLAB_UNITS * SUPERSLAB_RECORD_BYTES, units * sizeof(void *));
}

static struct reach large_records_of(size_t units)
{
	return reach_of(units / SUPERSLAB_UNITS, units * LARGE_RECORD_BYTES);
}

static int open_records(size_t from, size_t to)
{
	return open_between(reservation.anchor, records_of(from), records_of(to));
}

static int open_large_records(size_t from, size_t to)
{
	return open_between(reservation.large_units, large_records_of(from), large_records_of(to));
}

/* Raises *open_units to at least end_unit, with a margin if the kernel allows it. */
static int open_metadata(_Atomic uint32_t *open_units, uint32_t end_unit,
			 int (*open)(size_t from, size_t to))
{
	uint32_t total = (uint32_t)(reservation.bytes >> UNIT_SHIFT);
	uint64_t ahead =
		max_size((uint64_t)end_unit * METADATA_AHEAD, METADATA_LEAST >> UNIT_SHIFT);
	uint32_t target = ahead < total ? (uint32_t)ahead : total;
	/* acquire: pairs with the release below, in another opener */
	uint32_t known = atomic_load_explicit(open_units, memory_order_acquire);
	int error;

	if (known >= end_unit)
		return 0;
	error = open(known, target);
	if (error) {
		target = end_unit;
		error = open(known, target);
	}
	if (error)
		return error;
	/* release: pairs with reservation_unit_is_open and reservation_large_unit_is_open */
	while (known < target &&
	       !atomic_compare_exchange_weak_explicit(open_units, &known, target,
						      memory_order_release,
						      memory_order_relaxed))
		;
	return 0;
}

int reservation_open_large_records(uint32_t end_unit)
{
	return open_metadata(&large_metadata_units, end_unit, open_large_records);
}

/* The first one's is settle()'s, after all others. */
static void enter_nobody(const struct chunk *chunk)
{
	uint32_t unit;

	for (unit = chunk->first_unit + 1; unit < chunk->first_unit + chunk->units; unit++)
		reservation.bin_of_unit[unit] = reservation.nobody;
}

/* -EEXIST: somebody else has mapped something there. */
static int reservation_open_chunk(const struct chunk *chunk, enum chunk_kind kind)
{
	uint32_t end = chunk->first_unit + chunk->units;
	size_t before = (size_t)chunk->first_unit << UNIT_SHIFT;
	int error = open_metadata(&metadata_units, end, open_records);

	/* Of slabs, too, which may yet become large runs when there is no room for records. */
	if (!error)
		error = reservation_open_large_records(end);
	if (error)
		return -ENOMEM;
	error = populate_open(reservation_unit_start(chunk->first_unit),
			      (size_t)chunk->units << UNIT_SHIFT, chunk->home,
			      before < FRONTIER_FIRST_BYTES ? 0 : before, kind == CHUNK_SLABS);
	if (!error || error == -EEXIST)
		enter_nobody(chunk);
	return error;
}

/*
 * With the lock. A chunk's first bin is entered with the lock and after its others; whoever has
 * been given slabs of it may be entering his own meanwhile, which is no less there.
 */
static bool RACY_READER is_opened(uint32_t unit)
{
	return unit < frontier_unit() && reservation_unit_is_open(unit) &&
	       __atomic_load_n(&reservation.bin_of_unit[unit], __ATOMIC_RELAXED);
}

/* With the lock. */
static void advance_span(void)
{
	while (is_opened(span_unit))
		span_unit += SUPERSLAB_UNITS;
	/* release: the bins of the units come first; free() reads it after it was given a block */
	if (!options.hardened)
		__atomic_store_n(&reservation.span_steps, ((size_t)span_unit << UNIT_SHIFT) >> 4,
				 __ATOMIC_RELEASE);
}

static void settle(const struct chunk *chunk, bool opened)
{
	frontier_lock();
	frontier_settle(chunk, opened);
	if (opened) {
		reservation.bin_of_unit[chunk->first_unit] = reservation.nobody;
		advance_span();
	}
	frontier_unlock();
}

static void close_chunk(const struct chunk *chunk)
{
	vm_close(reservation_unit_start(chunk->first_unit), (size_t)chunk->units << UNIT_SHIFT);
}

/* What was not passed on (MADV_DONTFORK) is mapped anew: runs of what is opened, or passed over. */
static void map_missing(void)
{
	uint32_t first, unit = span_unit, end = frontier_unit();

	for (first = 0; first < end; first = unit) {
		while (unit < end && is_opened(unit))
			unit += SUPERSLAB_UNITS;
		if (unit > first)
			vm_map_missing(reservation_unit_start(first),
				       (size_t)(unit - first) << UNIT_SHIFT);
		while (unit < end && !is_opened(unit))
			unit += SUPERSLAB_UNITS;
	}
}

void reservation_after_fork_in_child(bool frontier_is_whole)
{
	if (frontier_is_whole)
		frontier_after_fork_in_child(close_chunk);
	map_missing();
}

/* What another has mapped, and as much again with each try, is in the span, and nobody's. */
static void pass_over(const struct chunk *chunk, unsigned tries)
{
	uint32_t more = (uint32_t)SUPERSLAB_UNITS << tries;
	struct chunk gap;

	settle(chunk, true);
	atomic_fetch_add_explicit(&gap_units, chunk->units, memory_order_relaxed);
	frontier_claim(more < GAP_UNITS_MOST ? more : GAP_UNITS_MOST, CHUNK_LARGE, chunk->home,
		       true, &gap);
	if (!gap.units)
		return;
	if (open_metadata(&metadata_units, gap.first_unit + gap.units, open_records)) {
		settle(&gap, false);
		return;
	}
	enter_nobody(&gap);
	settle(&gap, true);
	atomic_fetch_add_explicit(&gap_units, gap.units, memory_order_relaxed);
}

int reservation_open(uint32_t units, enum chunk_kind kind, unsigned home, struct chunk *chunk)
{
	unsigned attempts = 0, gaps = 0;
	int error = -ENOMEM;

	chunk->units = 0;
	if (frontier_wait_for_another(units, kind, home))
		return 0;
	while (error && attempts < 2 && gaps < GAPS_MOST) {
		frontier_claim(units, kind, home, attempts > 0, chunk);
		if (!chunk->units)
			break;
		error = reservation_open_chunk(chunk, kind);
		if (error == -EEXIST) {
			pass_over(chunk, gaps++);
			continue;
		}
		settle(chunk, !error);
		attempts++;
	}
	return error ? -ENOMEM : 0;
}

bool reservation_unit_is_open(size_t unit)
{
	return unit < atomic_load_explicit(&metadata_units, memory_order_acquire);
}

bool reservation_large_unit_is_open(size_t unit)
{
	return unit < atomic_load_explicit(&large_metadata_units, memory_order_acquire);
}

size_t reservation_end_bytes(void)
{
	return (size_t)frontier_unit() << UNIT_SHIFT;
}

size_t reservation_opened_bytes(void)
{
	return reservation_end_bytes() -
	       (atomic_load_explicit(&gap_units, memory_order_relaxed) << UNIT_SHIFT);
}

uintptr_t reservation_metadata_start(void)
{
	size_t units = atomic_load_explicit(&metadata_units, memory_order_acquire);

	return ((uintptr_t)reservation.anchor - units / SUPERSLAB_UNITS * SUPERSLAB_RECORD_BYTES) &
	       ~((uintptr_t)vm_page_size() - 1);
}

void reservation_hide_span(void)
{
	__atomic_store_n(&reservation.span_steps, 0, __ATOMIC_RELAXED);
}
