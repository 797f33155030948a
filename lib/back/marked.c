/* SPDX-License-Identifier: MIT */
/*
 * marked.c - see marked.h.
 */
#include <config.h>

#include "back/marked.h"

#include "back/reservation.h"
#include "os/vm.h"

_Atomic uintptr_t marked_start, marked_end;
static _Atomic uintptr_t watched_start, watched_end;	/* the same, of what is watched */

static void lower(_Atomic uintptr_t *place, uintptr_t to)
{
	uintptr_t now = atomic_load_explicit(place, memory_order_relaxed);

	while ((!now || to < now) &&
	       !atomic_compare_exchange_weak_explicit(place, &now, to, memory_order_relaxed,
						      memory_order_relaxed))
		;
}

static void raise_to(_Atomic uintptr_t *place, uintptr_t to)
{
	uintptr_t now = atomic_load_explicit(place, memory_order_relaxed);

	while (to > now &&
	       !atomic_compare_exchange_weak_explicit(place, &now, to, memory_order_relaxed,
						      memory_order_relaxed))
		;
}

static bool is_in_heap(uintptr_t start, uintptr_t end)
{
	return reservation.bytes && end > reservation.base &&
	       start < reservation.base + reservation_opened_bytes();
}

/* relaxed, all: whoever frees the block knows that it was marked */
static void change_entry(uint32_t unit, void *to, void *stays)
{
	void **entry = &reservation.bin_of_unit[unit];
	void *now = __atomic_load_n(entry, __ATOMIC_RELAXED);

	while (now != stays && !__atomic_compare_exchange_n(entry, &now, to, true, __ATOMIC_RELAXED,
							    __ATOMIC_RELAXED))
		;
}

void marked_enter(uint32_t unit, void *bin)
{
	change_entry(unit, bin, marked_bin());
}

/*
 * Units of slabs: a block of the caller's is there, so they stay. Above the span is memory that
 * another thread is opening.
 */
static void lead_astray(uintptr_t start, uintptr_t end)
{
	uintptr_t span_end = reservation.base + ((uintptr_t)reservation_span_steps() << 4);

	start = start < reservation.base ? reservation.base : start;
	end = end < span_end ? end : span_end;
	for (start &= ~(uintptr_t)(UNIT_SIZE - 1); start < end; start += UNIT_SIZE)
		change_entry(reservation_unit_of((void *)start), marked_bin(), reservation.nobody);
}

void marked_note(uintptr_t start, size_t bytes)
{
	if (!is_in_heap(start, start + bytes))
		return;
	lead_astray(start, start + bytes);
	lower(&marked_start, start);
	raise_to(&marked_end, start + bytes);
}

void marked_note_watched(uintptr_t start, size_t bytes)
{
	if (!is_in_heap(start, start + bytes))
		return;
	lower(&watched_start, start);
	raise_to(&watched_end, start + bytes);
	marked_note(start, bytes);
}

/* relaxed, all: whoever frees the block knows that it was marked */
static bool is_between(const void *start, size_t bytes, _Atomic uintptr_t *from,
		       _Atomic uintptr_t *to)
{
	return (uintptr_t)start < atomic_load_explicit(to, memory_order_relaxed) &&
	       (uintptr_t)start + bytes > atomic_load_explicit(from, memory_order_relaxed);
}

void marked_clear(void *start, size_t bytes)
{
	if (!is_between(start, bytes, &marked_start, &marked_end))
		return;
	if (!is_between(start, bytes, &watched_start, &watched_end) || vm_map_anew(start, bytes))
		vm_allow(start, bytes);
}

void marked_clear_inside(void *block, size_t bytes)
{
	uintptr_t start = align_up((uintptr_t)block, page_size());
	uintptr_t end = ((uintptr_t)block + bytes) & ~(page_size() - 1);

	if (start < end)
		marked_clear((void *)start, end - start);
}
