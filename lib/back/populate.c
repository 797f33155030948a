/* SPDX-License-Identifier: MIT */
/*
 * populate.c - see populate.h.
 */
#include <config.h>

#include "back/populate.h"

#include <stdatomic.h>

#include "back/helper_link.h"
#include "os/node.h"
#include "os/process.h"
#include "os/thread.h"
#include "os/vm.h"
#include "support/compiler.h"
#include "support/options.h"

/*
 * A huge page costs a fraction of the 0.7 ms or more that 512 small ones cost, unless a
 * hypervisor has to be asked for its memory: then it is milliseconds. The first of a range, which
 * will be used next anyway, tells; of a large heap's the first few, beside which they are little.
 */
#define PROBED_PAGES		4
#define PROBED_FROM_HEAP_BYTES	(256 * MiB)
#define HUGE_IS_DEAR_NS		500000ull

static _Atomic enum populate_advice advice;	/* relaxed: it orders nothing */

void populate_advise(enum populate_advice pages)
{
	atomic_store_explicit(&advice, pages, memory_order_relaxed);
}

/* One slow page of several says nothing: the thread may have lost its processor meanwhile. */
static bool are_dear(char *start, unsigned pages)
{
	unsigned i, dear = 0;

	for (i = 0; i < pages; i++) {
		uint64_t began_ns = process_now_ns();

		vm_touch_huge(start + i * VM_HUGE_PAGE_BYTES);
		dear += process_now_ns() - began_ns > HUGE_IS_DEAR_NS;
	}
	return 2 * dear >= pages;
}

static void want_huge_unless_dear(char *start, size_t bytes, unsigned pages)
{
	size_t probed_bytes = pages * VM_HUGE_PAGE_BYTES;

	vm_want_huge(start, bytes);
	if (bytes > probed_bytes && are_dear(start, pages))
		vm_refuse_huge(start + probed_bytes, bytes - probed_bytes);
}

/* A helper that will run beside its threads, and soon know what pages cost. */
static bool expects_advice(void)
{
	return helper_link_is_there() && !thread_is_on_one_processor();
}

/*
 * The helper has measured what pages cost; where there is none this thread tries. The first chunk
 * is of small pages: a partly used slab of every class costs its untouched tail where they are huge.
 */
static void choose_pages(char *start, size_t bytes, size_t heap_bytes)
{
	enum populate_advice pages = atomic_load_explicit(&advice, memory_order_relaxed);

	if (!heap_bytes || pages == POPULATE_ADVICE_SMALL)
		return;
	if (pages == POPULATE_ADVICE_HUGE || expects_advice())
		vm_want_huge(start, bytes);
	else
		want_huge_unless_dear(start, bytes,
				      heap_bytes < PROBED_FROM_HEAP_BYTES ? 1 : PROBED_PAGES);
}

int populate_open(void *start, size_t bytes, unsigned home, size_t heap_bytes, bool dense)
{
	int error = vm_open(start, bytes);

	if (error)
		return error;
	/* Before anything is touched. */
	if (topology_has_homes())
		node_place(start, bytes, home);
	/* A kernel without huge pages refuses the wish; small ones do. */
	if (options.huge_pages == HUGE_PAGES_ALWAYS)
		vm_want_huge(start, bytes);
	else if (options.huge_pages == HUGE_PAGES_AUTO && dense)
		choose_pages(start, bytes, heap_bytes);
	return 0;
}
