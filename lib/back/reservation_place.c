/* SPDX-License-Identifier: MIT */
/*
 * reservation_place.c - see reservation_place.h.
 */
#include <config.h>

#include "back/reservation_place.h"

#include <errno.h>

#include "os/vm.h"
#include "support/compiler.h"

#define HEAP_LEAST	(8 * MiB)
/* of the address space, where nothing of it is mapped before it is used */
#define HEAP_SHARE	4
#define MAPPED_MOST	(2 * TiB)

static int reserve(size_t (*total_bytes)(size_t heap_bytes), size_t wanted_bytes,
		   size_t *heap_bytes, void **place)
{
	*heap_bytes = wanted_bytes;
	return vm_reserve(total_bytes(wanted_bytes), place);
}

int reservation_place_find(size_t (*total_bytes)(size_t heap_bytes), size_t *heap_bytes,
			   void **place)
{
	size_t most;
	int error;

	*heap_bytes = vm_address_space() / HEAP_SHARE;
	error = vm_reserve_unmapped(total_bytes(*heap_bytes), place);
	if (error)
		error = reserve(total_bytes, MAPPED_MOST, heap_bytes, place);
	/* Some limit: 1.5 TiB, 1 TiB, 768 GiB … so that it is used to at least two thirds. */
	for (most = MAPPED_MOST; error && most > HEAP_LEAST; most /= 2) {
		error = reserve(total_bytes, align_up(most / 4 * 3, ARCH_HUGE_PAGE_BYTES),
				heap_bytes, place);
		if (error)
			error = reserve(total_bytes, most / 2, heap_bytes, place);
	}
	return error;
}

int reservation_place_open(char *start, size_t bytes)
{
	size_t half = align_up(bytes / 2, vm_page_size());
	int error = bytes ? vm_open(start, bytes) : 0;

	if (error != -EEXIST || vm_is_mapped(start, bytes))
		return error == -EEXIST ? 0 : error;
	if (half == bytes)
		return error;
	error = reservation_place_open(start, half);
	return error ? error : reservation_place_open(start + half, bytes - half);
}
