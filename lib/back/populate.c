/* SPDX-License-Identifier: MIT */
/*
 * populate.c - see populate.h.
 */
#include <config.h>

#include "back/populate.h"

#include <stdatomic.h>

#include "back/helper_link.h"
#include "os/vm.h"
#include "support/compiler.h"
#include "support/options.h"

/*
 * A partly used slab of every class in every thread costs its untouched tail where pages
 * are huge. From this size on that is little beside the rest. Where a helper was wanted and
 * refused, huge pages are all that can be done ahead without a system call in a thread that
 * is warm, and begin earlier. Where it runs, it knows what they cost, and says so.
 */
#define HUGE_FROM_HEAP_BYTES	(256 * MiB)
#define HUGE_FROM_REFUSED_BYTES	(128 * MiB)

static _Atomic enum populate_advice advice;	/* relaxed: it orders nothing */

void populate_advise(enum populate_advice pages)
{
	atomic_store_explicit(&advice, pages, memory_order_relaxed);
}

static bool auto_wants_huge(size_t heap_bytes)
{
	if (helper_link_is_running())
		return atomic_load_explicit(&advice, memory_order_relaxed) == POPULATE_ADVICE_HUGE;
	if (helper_link_is_refused())
		return heap_bytes > HUGE_FROM_REFUSED_BYTES;
	return heap_bytes > HUGE_FROM_HEAP_BYTES;
}

static bool wants_huge(size_t heap_bytes, bool dense)
{
	if (options.huge_pages == HUGE_PAGES_AUTO)
		return dense && auto_wants_huge(heap_bytes);
	return options.huge_pages == HUGE_PAGES_ALWAYS;
}

int populate_open(void *start, size_t bytes, size_t heap_bytes, bool dense)
{
	int error = vm_open(start, bytes);

	/* A kernel without huge pages refuses the wish; small ones do. */
	if (!error && wants_huge(heap_bytes, dense))
		vm_want_huge(start, bytes);
	return error;
}
