/* SPDX-License-Identifier: MIT */
/*
 * populate_window.c - see populate_window.h.
 */
#include <config.h>

#include "upkeep/populate_window.h"

#include "back/stock.h"
#include "back/superslab_record.h"
#include "os/vm.h"

#define MOST		16	/* threads are through in 2 ms */
#define AT_ONCE_LEAST	4
#define BEGUN_MOST	32	/* each splits a mapping, or two */

/* Some of them may have been taken meanwhile. */
static void set_huge(uint32_t first, uint32_t end, bool huge)
{
	char *start = reservation_unit_start((size_t)first * SUPERSLAB_UNITS);
	uint32_t index;

	if (first >= end)
		return;
	for (index = first; index < end; index++)
		atomic_store_explicit(&superslab_at(index)->huge, huge, memory_order_relaxed);
	if (huge)
		vm_want_huge(start, (size_t)(end - first) * SUPERSLAB_SIZE);
	else
		vm_refuse_huge(start, (size_t)(end - first) * SUPERSLAB_SIZE);
}

static void close_window(struct populate_window *window, uint32_t first)
{
	set_huge((uint32_t)max_size(first, window->first), window->end, false);
	window->first = window->end = 0;
}

/* Threads are past it, or another chunk is the fresh one. */
static bool is_left_behind(const struct populate_window *window, uint32_t first, uint32_t end)
{
	return first > window->end || window->end > end || first < window->first;
}

void populate_window_move(struct populate_window *window, unsigned home, bool wanted)
{
	uint32_t first, end, until;

	stock_read_fresh(home, &first, &end);
	if (!wanted) {
		close_window(window, first);
		return;
	}
	if (is_left_behind(window, first, end)) {
		close_window(window, first);
		if (window->begun == BEGUN_MOST)
			return;
		window->begun++;
		window->first = window->end = first;
	}
	until = (uint32_t)min_size(end, first + MOST);
	if (until <= window->end || (until < end && until < window->end + AT_ONCE_LEAST))
		return;
	set_huge(window->end, until, true);
	window->end = until;
}
