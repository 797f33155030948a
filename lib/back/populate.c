/* SPDX-License-Identifier: MIT */
/*
 * populate.c - see populate.h.
 */
#include <config.h>

#include "back/populate.h"

#include "back/helper_link.h"
#include "os/vm.h"
#include "support/compiler.h"
#include "support/options.h"

/*
 * A partly used slab of every class in every thread costs its untouched tail where pages
 * are huge. From this size on that is little beside the rest. Where a helper populates ahead
 * most superslabs are huge anyway, and those that it was too late for should not be the
 * exception that costs 512 faults.
 */
#define HUGE_FROM_HEAP_BYTES		(256 * MiB)
#define HUGE_FROM_WITH_HELPER_BYTES	(64 * MiB)

static bool wants_huge(size_t heap_bytes, bool dense)
{
	size_t from = helper_link_is_running() ? HUGE_FROM_WITH_HELPER_BYTES :
						 HUGE_FROM_HEAP_BYTES;

	if (options.huge_pages == HUGE_PAGES_AUTO)
		return dense && heap_bytes > from;
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
