/* SPDX-License-Identifier: MIT */
/*
 * populate.c - see populate.h.
 */
#include <config.h>

#include "back/populate.h"

#include <stdatomic.h>
#include <stdbool.h>

#include "back/helper_link.h"
#include "back/wait_count.h"
#include "os/clock.h"
#include "os/node.h"
#include "os/thread.h"
#include "os/vm.h"
#include "support/compiler.h"
#include "support/options.h"

/*
 * A partly used slab of every class in every thread costs its untouched tail where pages
 * are huge. From this size on that is little beside the rest.
 */
#define HUGE_FROM_HEAP_BYTES	(256 * MiB)

/*
 * A huge page costs a fraction of the 0.7 ms or more that 512 small ones cost, unless a
 * hypervisor has to be asked for its memory: then it is milliseconds. The first few of a
 * range, which will be used next anyway, tell.
 */
#define PROBED_PAGES		4
#define PROBED_BYTES		(PROBED_PAGES * ARCH_HUGE_PAGE_BYTES)
#define HUGE_IS_DEAR_NS		500000ull

/* One slow page says nothing: the thread may have lost its processor meanwhile. */
static bool are_dear(char *start)
{
	unsigned i, dear = 0;

	for (i = 0; i < PROBED_PAGES; i++) {
		uint64_t began_ns = clock_now_ns();

		vm_touch_huge(start + i * ARCH_HUGE_PAGE_BYTES);
		dear += clock_now_ns() - began_ns > HUGE_IS_DEAR_NS;
	}
	return 2 * dear >= PROBED_PAGES;
}

/* of heap, at the last probe; relaxed: a guess, like dear */
static _Atomic size_t probed_bytes;
static _Atomic bool dear;

/* Each time that the heap has doubled: chunks are small beside it. */
static void want_huge_unless_dear(char *start, size_t bytes, size_t heap_bytes)
{
	bool is_probe = bytes > PROBED_BYTES &&
		heap_bytes / 2 >= atomic_load_explicit(&probed_bytes, memory_order_relaxed);

	if (is_probe || !atomic_load_explicit(&dear, memory_order_relaxed))
		vm_want_huge(start, is_probe ? PROBED_BYTES : bytes);
	if (!is_probe)
		return;
	atomic_store_explicit(&probed_bytes, heap_bytes, memory_order_relaxed);
	atomic_store_explicit(&dear, are_dear(start), memory_order_relaxed);
	if (!atomic_load_explicit(&dear, memory_order_relaxed))
		vm_want_huge(start + PROBED_BYTES, bytes - PROBED_BYTES);
}

/* A helper that will run beside its threads, and soon know what pages cost. */
static bool expects_advice(void)
{
	return helper_link_is_there() && !thread_is_on_one_processor();
}

/*
 * Small ones, also where the machine gives huge ones unasked: a partly used slab of every class in
 * every thread would cost its untouched tail. The helper asks for huge ones where they will be
 * filled (see populate_ahead.c); without one, a large heap tries, unless they are larger than a
 * superslab.
 */
static bool chooses_small(size_t heap_bytes)
{
	return heap_bytes < HUGE_FROM_HEAP_BYTES || !vm_huge_pages_fit() || expects_advice();
}

static int open_range(void *start, size_t bytes, unsigned home, size_t heap_bytes, bool dense)
{
	bool chooses = options.huge_pages == HUGE_PAGES_AUTO && dense && node_keeps_huge();
	bool small = chooses && chooses_small(heap_bytes);
	int error = small ? vm_open_small(start, bytes) : vm_open(start, bytes);

	if (error)
		return error;
	/* Before anything is touched. */
	if (topology_has_homes())
		node_place(start, bytes, home);
	if (options.huge_pages == HUGE_PAGES_ALWAYS)
		vm_want_huge(start, bytes);
	else if (chooses && !small)
		want_huge_unless_dear(start, bytes, heap_bytes);
	return 0;
}

/* relaxed: counts */
static _Atomic size_t opened_bytes[TOPOLOGY_HOMES_MAX], opened_everywhere_bytes;

static void note_opened(size_t bytes, unsigned home)
{
	atomic_fetch_add_explicit(home == NODE_EVERYWHERE ? &opened_everywhere_bytes :
				  &opened_bytes[home], bytes, memory_order_relaxed);
}

size_t populate_opened_bytes(unsigned home)
{
	return atomic_load_explicit(&opened_bytes[home], memory_order_relaxed) +
	       atomic_load_explicit(&opened_everywhere_bytes, memory_order_relaxed) /
		       topology.homes;
}

int populate_open(void *start, size_t bytes, unsigned home, size_t heap_bytes, bool dense)
{
	uint64_t began_ns = wait_count_begin();
	int error = open_range(start, bytes, home, heap_bytes, dense);

	wait_count_end(began_ns);
	if (!error)
		note_opened(bytes, home);
	return error;
}
