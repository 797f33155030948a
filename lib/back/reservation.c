/* SPDX-License-Identifier: MIT */
/*
 * reservation.c - see reservation.h.
 *
 * Chunks that are being opened stand in a small table. Usually there is one and the span
 * simply grows over it. When threads open at once, the span waits for the lowest; blocks
 * above it are found by free()'s slow path, which asks reservation_unit_is_open().
 */
#include <config.h>

#include "back/reservation.h"

#include <errno.h>

#include "back/populate.h"
#include "os/lock.h"
#include "os/thread.h"
#include "os/vm.h"
#include "support/options.h"

#define FRONTIER_SECOND		(120 * MiB)	/* who needs more than the first chunk opens no small steps */
#define FRONTIER_STEP_MAX	GiB
#define METADATA_AHEAD		8		/* metadata opens this many times further … */
#define METADATA_LEAST		(512 * MiB)	/* … and for this much of the heap */
#define CACHES_PER_HEAP_BYTE	2048		/* heap bytes for a byte of thread caches */
#define BIN_BYTES		sizeof(void *)	/* of an open unit: its page was written */
#define BINS_SHARE		64	/* of limit_hard: a far alignment must not use it up */
#define CACHES_STEP		(256 * KiB)
#define OPENINGS_MAX		64
#define YIELDS_FOR_ANOTHER	100

enum opening_state { OPENING_NONE, OPENING_BUSY, OPENING_DONE, OPENING_FAILED };

struct opening {
	struct chunk chunk;
	enum chunk_kind kind;
	enum opening_state state;
};

struct reservation reservation;

/* All by reservation lock. */
static struct lock lock;
static struct opening openings[OPENINGS_MAX];
static _Atomic uint32_t frontier_unit;	/* first unit never claimed; read without the lock too */
static uint32_t span_unit;		/* published up to here */
static char *caches_next, *caches_open, *caches_end;

/* Units whose records may be read. release in publish_*, acquire in the readers. */
static _Atomic uint32_t metadata_units, large_metadata_units;

static _Atomic size_t taken_bytes, populated_units, cache_bytes;

void reservation_lock(void)
{
	lock_take(&lock);
}

void reservation_unlock(void)
{
	lock_put(&lock);
}

/* In bytes behind the first record; each array ends where the next begins. */
struct layout {
	size_t anchor, larges, caches, heap;
};

static struct layout layout_of(size_t heap_bytes)
{
	size_t units = heap_bytes >> UNIT_SHIFT, superslabs = heap_bytes >> SUPERSLAB_SHIFT;
	struct layout at;

	at.anchor = align_up(superslabs * SUPERSLAB_RECORD_BYTES, SUPERSLAB_SIZE);
	at.larges = at.anchor + align_up(units * sizeof(void *), SUPERSLAB_SIZE);
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
	void *place;
	char *start;
	int error = reservation_place_find(bytes_with_metadata, &reservation.bytes, &place);

	reservation.nobody = nobody;
	if (error)
		return error;
	at = layout_of(reservation.bytes);
	start = (char *)align_up((uintptr_t)place, SUPERSLAB_SIZE);
	reservation.anchor = start + at.anchor;
	reservation.bin_of_unit = (void **)reservation.anchor;
	reservation.large_units = start + at.larges;
	caches_next = caches_open = start + at.caches;
	caches_end = start + at.heap;
	reservation.base = (uintptr_t)caches_end;
	return 0;
}

/* Opens both arrays around the anchor for the first units. */
static int open_records(size_t units)
{
	size_t page = vm_page_size();
	size_t records = (units / SUPERSLAB_UNITS) * SUPERSLAB_RECORD_BYTES;
	char *low = (char *)((uintptr_t)(reservation.anchor - records) & ~(page - 1));
	char *high = reservation.anchor + align_up(units * sizeof(void *), page);

	return reservation_place_open(low, (size_t)(high - low));
}

static int open_large_records(size_t units)
{
	return reservation_place_open(reservation.large_units, align_up(units * LARGE_RECORD_BYTES, vm_page_size()));
}

/* Raises *open_units to at least end_unit, with a margin if the kernel allows it. */
static int open_metadata(_Atomic uint32_t *open_units, uint32_t end_unit, int (*open)(size_t units))
{
	uint32_t total = (uint32_t)(reservation.bytes >> UNIT_SHIFT);
	uint64_t ahead = max_size((uint64_t)end_unit * METADATA_AHEAD, METADATA_LEAST >> UNIT_SHIFT);
	uint32_t target = ahead < total ? (uint32_t)ahead : total;
	/* acquire: pairs with the release below, in another opener */
	uint32_t known = atomic_load_explicit(open_units, memory_order_acquire);
	int error;

	if (known >= end_unit)
		return 0;
	error = open(target);
	if (error) {
		target = end_unit;
		error = open(target);
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

static int open_chunk(struct chunk chunk, enum chunk_kind kind)
{
	uint32_t end = chunk.first_unit + chunk.units, unit;
	char *start = reservation_unit_start(chunk.first_unit);
	size_t bytes = (size_t)chunk.units << UNIT_SHIFT;
	int error = open_metadata(&metadata_units, end, open_records);

	if (!error && kind == CHUNK_LARGE)
		error = reservation_open_large_records(end);
	if (error)
		return error;
	error = populate_open(start, bytes, chunk.home, (size_t)chunk.first_unit << UNIT_SHIFT,
			      kind == CHUNK_SLABS);
	if (error)
		return error;
	for (unit = chunk.first_unit; unit < end; unit++)
		reservation.bin_of_unit[unit] = reservation.nobody;
	return 0;
}

/* Twice as large as all before it, within the steps and what is left; fewer than units: no room. */
static uint32_t chunk_units(uint32_t units)
{
	uint32_t left = (uint32_t)(reservation.bytes >> UNIT_SHIFT) - frontier_unit;
	uint32_t step = 2 * frontier_unit;

	if (frontier_unit == 0)
		step = RESERVATION_FIRST_BYTES >> UNIT_SHIFT;
	else if (step < FRONTIER_SECOND >> UNIT_SHIFT)
		step = FRONTIER_SECOND >> UNIT_SHIFT;
	/* A heap of more than a fourth of the largest step is not worth another in between. */
	if (step > FRONTIER_STEP_MAX / 2 >> UNIT_SHIFT)
		step = FRONTIER_STEP_MAX >> UNIT_SHIFT;
	if (step < units)
		step = units;
	return step < left ? step : left;
}

/* A claim that failed while others went past it is tried again before the frontier moves. */
static struct opening *claim_failed(uint32_t units)
{
	unsigned i;

	for (i = 0; i < OPENINGS_MAX; i++)
		if (openings[i].state == OPENING_FAILED && openings[i].chunk.units >= units)
			return &openings[i];
	return NULL;
}

/* By reservation lock: is a chunk that would do for the caller being opened? */
static bool another_is_opening(uint32_t units, enum chunk_kind kind, unsigned home)
{
	bool found = false;
	unsigned i;

	for (i = 0; i < OPENINGS_MAX; i++)
		found |= openings[i].state == OPENING_BUSY && openings[i].kind == kind &&
			 openings[i].chunk.home == home && openings[i].chunk.units >= units;
	return found;
}

/*
 * exact: no more than asked for, as it is while another opens, who has doubled the heap
 * already. NULL: no address space, or too many at once.
 */
static struct opening *claim(uint32_t units, enum chunk_kind kind, unsigned home, bool exact)
{
	struct opening *opening;
	unsigned i;

	lock_take(&lock);
	exact |= another_is_opening(units, kind, home);
	opening = claim_failed(units);
	for (i = 0; !opening && i < OPENINGS_MAX; i++) {
		uint32_t step = chunk_units(units);

		if (openings[i].state != OPENING_NONE || step < units ||
		    (frontier_unit + units) * BIN_BYTES > options.limit_hard_bytes / BINS_SHARE)
			continue;
		opening = &openings[i];
		opening->chunk = (struct chunk){ frontier_unit, exact ? units : step, home };
		frontier_unit += opening->chunk.units;
	}
	if (opening) {
		opening->kind = kind;
		opening->chunk.home = home;
		opening->state = OPENING_BUSY;
	}
	lock_put(&lock);
	return opening;
}

static bool another_opens(uint32_t units, enum chunk_kind kind, unsigned home)
{
	bool found;

	lock_take(&lock);
	found = another_is_opening(units, kind, home);
	lock_put(&lock);
	return found;
}

/*
 * Threads that run out at the same moment would each double the heap. Those who come second
 * wait for the first to return from the kernel, but not for ever: it may be off the CPU.
 */
static bool wait_for_another(uint32_t units, enum chunk_kind kind, unsigned home)
{
	unsigned round;

	if (!another_opens(units, kind, home))
		return false;
	for (round = 0; round < YIELDS_FOR_ANOTHER; round++) {
		thread_yield();
		if (!another_opens(units, kind, home))
			return true;
	}
	return false;
}

static void advance_span(void)
{
	bool moved = true;
	unsigned i;

	while (moved) {
		moved = false;
		for (i = 0; i < OPENINGS_MAX; i++) {
			struct opening *opening = &openings[i];

			if (opening->state != OPENING_DONE || opening->chunk.first_unit != span_unit)
				continue;
			span_unit += opening->chunk.units;
			opening->state = OPENING_NONE;
			moved = true;
		}
	}
	/* release: the bins of the units come first; free() reads it after it was given a block */
	if (!options.hardened)
		__atomic_store_n(&reservation.span_steps, ((size_t)span_unit << UNIT_SHIFT) >> 4,
				 __ATOMIC_RELEASE);
}

static void give_up(struct opening *opening)
{
	bool is_last = opening->chunk.first_unit + opening->chunk.units == frontier_unit;

	if (is_last)
		frontier_unit = opening->chunk.first_unit;
	opening->state = is_last ? OPENING_NONE : OPENING_FAILED;
}

static void settle(struct opening *opening, int error)
{
	lock_take(&lock);
	if (error) {
		give_up(opening);
	} else {
		opening->state = OPENING_DONE;
		advance_span();
	}
	lock_put(&lock);
}

void reservation_after_fork_in_child(void)
{
	unsigned i;

	for (i = 0; i < OPENINGS_MAX; i++)
		if (openings[i].state == OPENING_BUSY)
			give_up(&openings[i]);
}

int reservation_open(uint32_t units, enum chunk_kind kind, unsigned home, struct chunk *chunk)
{
	int error = -ENOMEM;
	unsigned attempt;

	chunk->units = 0;
	if (wait_for_another(units, kind, home))
		return 0;
	for (attempt = 0; attempt < 2 && error; attempt++) {
		struct opening *opening = claim(units, kind, home, attempt > 0);

		if (!opening)
			break;
		*chunk = opening->chunk;
		error = open_chunk(*chunk, kind);
		settle(opening, error);
	}
	return error ? -ENOMEM : 0;
}

void *reservation_take_metadata(size_t bytes)
{
	char *taken = NULL, *open_from, *open_to;

	bytes = align_up(bytes, 64);
	lock_take(&lock);
	if ((size_t)(caches_end - caches_next) >= bytes) {
		taken = caches_next;
		caches_next += bytes;
		atomic_fetch_add_explicit(&cache_bytes, bytes, memory_order_relaxed);
	}
	open_from = caches_open;
	open_to = taken ? (char *)align_up((uintptr_t)taken + bytes, CACHES_STEP) : NULL;
	if (open_to > caches_end)
		open_to = caches_end;
	lock_put(&lock);
	if (!taken || taken + bytes <= open_from)
		return taken;
	if (reservation_place_open(open_from, (size_t)(open_to - open_from)))
		return NULL;	/* its address space is lost: 2^17 caches fit */
	lock_take(&lock);
	if (caches_open < open_to)
		caches_open = open_to;
	lock_put(&lock);
	return taken;
}

bool reservation_charge(size_t bytes)
{
	size_t before = atomic_fetch_add_explicit(&taken_bytes, bytes, memory_order_relaxed);

	if (likely(before + bytes <= options.limit_hard_bytes))
		return true;
	reservation_uncharge(bytes);
	return false;
}

bool reservation_allows(size_t bytes)
{
	size_t taken = atomic_load_explicit(&taken_bytes, memory_order_relaxed);

	return taken <= options.limit_hard_bytes && bytes <= options.limit_hard_bytes - taken;
}

void reservation_uncharge(size_t bytes)
{
	atomic_fetch_sub_explicit(&taken_bytes, bytes, memory_order_relaxed);
}

void reservation_note_populated(int units)
{
	atomic_fetch_add_explicit(&populated_units, (size_t)units, memory_order_relaxed);
}

size_t reservation_populated_bytes(void)
{
	return atomic_load_explicit(&populated_units, memory_order_relaxed) << UNIT_SHIFT;
}

size_t reservation_metadata_bytes(void)
{
	return atomic_load_explicit(&cache_bytes, memory_order_relaxed) + frontier_unit * BIN_BYTES;
}

bool reservation_unit_is_open(size_t unit)
{
	return unit < atomic_load_explicit(&metadata_units, memory_order_acquire);
}

bool reservation_large_unit_is_open(size_t unit)
{
	return unit < atomic_load_explicit(&large_metadata_units, memory_order_acquire);
}

size_t reservation_opened_bytes(void)
{
	return (size_t)frontier_unit << UNIT_SHIFT;
}

uintptr_t reservation_metadata_start(void)
{
	size_t units = atomic_load_explicit(&metadata_units, memory_order_acquire);

	return ((uintptr_t)reservation.anchor - units / SUPERSLAB_UNITS * SUPERSLAB_RECORD_BYTES) &
	       ~((uintptr_t)vm_page_size() - 1);
}

size_t reservation_taken_bytes(void)
{
	return atomic_load_explicit(&taken_bytes, memory_order_relaxed);
}

void reservation_hide_span(void)
{
	__atomic_store_n(&reservation.span_steps, 0, __ATOMIC_RELAXED);
}
