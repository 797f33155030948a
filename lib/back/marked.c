/* SPDX-License-Identifier: MIT */
/*
 * marked.c - see marked.h.
 */
#include <config.h>

#include "back/marked.h"

#include "back/reservation.h"
#include "os/vm.h"

_Atomic uintptr_t marked_start, marked_end;

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

void marked_note(uintptr_t start, size_t bytes)
{
	uintptr_t end = start + bytes;

	if (!reservation.bytes || end <= reservation.base ||
	    start >= reservation.base + reservation_opened_bytes())
		return;
	lower(&marked_start, start);
	raise_to(&marked_end, end);
}

void marked_clear(void *start, size_t bytes)
{
	if (marked_reaches(start) &&
	    (uintptr_t)start + bytes > atomic_load_explicit(&marked_start, memory_order_relaxed))
		vm_allow(start, bytes);
}
