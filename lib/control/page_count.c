/* SPDX-License-Identifier: MIT */
/*
 * page_count.c - see page_count.h.
 */
#include <config.h>

#include "control/page_count.h"

#include <linux/futex.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include "back/helper_link.h"
#include "back/reservation.h"
#include "os/process.h"
#include "os/program.h"
#include "os/residence.h"
#include "os/thread.h"
#include "support/system_call.h"
#include "upkeep/rungs.h"

#define STEP_BYTES	(16 * MiB)	/* under one hold of the kernel's lock */
#define AGE_NS		100000000ull	/* asked again after it, or … */
#define AGE_COSTS	1000	/* … after so many times what a pass takes */
#define AT_ONCE_NS	200000ull
#define PASS_NS_MOST	8000000	/* a heap of a GiB or so is looked through by then */

/* What the last pass found. relaxed: numbers of a moment; written by the helper. */
static struct {
	_Atomic uint64_t present, huge, metadata, asked_ns, fresh_until_ns;
	_Atomic uint64_t resident_then, pass_ns;	/* at asked_ns */
} known;

/* The pass over the pages that is under way. The helper's alone, but for wanted. */
static struct {
	/* 1 by the control thread, which sleeps on it; 0 by the helper */
	_Atomic uint32_t wanted;
	int map;		/* -errno: it cannot be opened */
	uint64_t at;		/* 0: at its beginning */
	uint64_t present, huge, metadata;
	uint64_t cost_ns;	/* of the processor */
	uint64_t began_ns;
} pass = { .map = -1 };

static uint64_t page_count_get(const _Atomic uint64_t *number)
{
	return atomic_load_explicit(number, memory_order_relaxed);
}

static void page_count_set(_Atomic uint64_t *number, uint64_t value)
{
	atomic_store_explicit(number, value, memory_order_relaxed);
}

/* Numbers that are not old yet serve as well: asking for those of a large heap takes its time. */
static bool is_fresh(void)
{
	return process_now_ns() < page_count_get(&known.fresh_until_ns);
}

static bool is_wanted(void)
{
	/* acquire: pairs with the release in end_want; what the kernel said is there by then. */
	return atomic_load_explicit(&pass.wanted, memory_order_acquire);
}

/* Not a nap: the helper's tasks may be woken late, by the slack that their timers have. */
static void wait_for_pass(void)
{
	struct timespec most = { .tv_nsec = PASS_NS_MOST };

	if (is_wanted())
		system_call(SYS_futex, &pass.wanted, FUTEX_WAIT_PRIVATE, 1, &most, NULL, 0);
	(void)is_wanted();	/* for its acquire */
}

static void end_want(void)
{
	/* release: pairs with the acquire in is_wanted */
	if (atomic_exchange_explicit(&pass.wanted, 0, memory_order_release))
		system_call(SYS_futex, &pass.wanted, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void page_count_ask(void)
{
	if (!is_fresh()) {
		atomic_store_explicit(&pass.wanted, helper_link_is_running(), memory_order_relaxed);
		helper_link_wake();
	}
	/* The next answer will know if this one cannot, and says how old it is. */
	wait_for_pass();
}

struct page_counts page_count_read(void)
{
	return (struct page_counts){
		.heap_bytes = page_count_get(&known.present),
		.huge_bytes = page_count_get(&known.huge),
		.metadata_bytes = page_count_get(&known.metadata),
		.asked_ns = page_count_get(&known.asked_ns),
		.pass_ns = page_count_get(&known.pass_ns),
		.resident_then_bytes = page_count_get(&known.resident_then),
	};
}

static void end_pass(void)
{
	uint64_t now_ns = process_now_ns(), age_ns = AGE_COSTS * pass.cost_ns;

	page_count_set(&known.present, pass.present);
	page_count_set(&known.huge, pass.huge);
	page_count_set(&known.metadata, pass.metadata);
	page_count_set(&known.asked_ns, now_ns);
	page_count_set(&known.resident_then, program_resident_bytes());
	page_count_set(&known.pass_ns, now_ns - pass.began_ns);
	pass.at = 0;
	end_want();
	page_count_set(&known.fresh_until_ns, now_ns + (age_ns > AGE_NS ? age_ns : AGE_NS));
	pass.cost_ns = 0;
}

/*
 * Who has given up root's rights may not open what describes its own pages, and before 6.7 the
 * kernel does not tell them in ranges. mincore needs no file, but counts pages of zeroes, too.
 */
static uint64_t count_range(uint64_t from, uint64_t to)
{
	uint64_t at = 0, bytes;

	if (pass.map >= 0)
		at = residence_count(pass.map, from, to, &pass.present, &pass.huge);
	if (at) {
		rungs_set(RUNG_PAGE_SCAN, CONTROL_RUNG_ON, 0, "");
		return at;
	}
	if (!residence_of_mapped(from, to, &bytes)) {
		rungs_set(RUNG_PAGE_SCAN, CONTROL_RUNG_OFF, 0,
			  "neither PAGEMAP_SCAN nor mincore; what is populated is not told");
		return 0;
	}
	if (pass.map < 0)
		rungs_set(RUNG_PAGE_SCAN, CONTROL_RUNG_ON, pass.map,
			  "its page map cannot be opened; mincore counts pages of zeroes, too");
	else
		rungs_set(RUNG_PAGE_SCAN, CONTROL_RUNG_PARTLY, 0,
			  "PAGEMAP_SCAN is of Linux 6.7; mincore counts pages of zeroes, too");
	pass.present += bytes;
	return to;
}

/* One step; false: the kernel cannot. */
static bool count_some(uint64_t start, uint64_t base, uint64_t end)
{
	uint64_t from = pass.at ? pass.at : start, to = from + STEP_BYTES;
	uint64_t before = pass.present;

	if (from == start)
		pass.present = pass.huge = pass.metadata = 0, before = 0,
		pass.began_ns = process_now_ns();
	/*
	 * Records and blocks are counted apart. Records are few in much address space: the kernel
	 * passes over what is not there in one call, and tells no more pages at once than
	 * residence.c lets it.
	 */
	if (from < base)
		to = base;
	if (to > end)
		to = end;
	pass.at = count_range(from, to);
	if (from < base)
		pass.metadata += pass.present - before;
	return pass.at != 0;
}

/* Some steps; true: there is more to do. */
static bool ask_some(uint64_t start, uint64_t base, uint64_t end, uint64_t until_ns)
{
	do {
		if (!count_some(start, base, end)) {
			end_want();
			return false;
		}
		if (pass.at >= end)
			return false;
	} while (process_now_ns() < until_ns);
	return true;
}

bool page_count_go_on(void)
{
	uint64_t base = reservation.base, end = base + reservation_end_bytes();
	uint64_t before_cpu_ns;
	bool more;

	if (!is_wanted() || !reservation.bytes)
		return false;
	before_cpu_ns = thread_cpu_ns();
	more = ask_some(reservation_metadata_start(), base, end,
			process_now_ns() + AT_ONCE_NS);
	pass.cost_ns += thread_cpu_ns() - before_cpu_ns;
	if (!more && is_wanted())
		end_pass();
	return more;
}

void page_count_open(void)
{
	pass.map = residence_open();
}

void page_count_forget(void)
{
	atomic_store_explicit(&pass.wanted, 0, memory_order_relaxed);
	pass.map = -1;
	pass.at = pass.cost_ns = 0;
	page_count_set(&known.fresh_until_ns, 0);
}
