/* SPDX-License-Identifier: MIT */
/*
 * populate_ahead.c - see populate_ahead.h.
 *
 *   fresh ── a batch is armed ──► fill one ── disarm ──► STOCK_READY ──► an application thread
 *                                   ▲                        │ nobody takes it
 *   STOCK_RETIRED ── arm ──► spares ┘◄──── drop its pages ───┘
 */
#include <config.h>

#include "upkeep/populate_ahead.h"

#include <errno.h>

#include "back/brought.h"
#include "upkeep/placement.h"
#include "back/charge.h"
#include "back/populate.h"
#include "upkeep/populate_fill.h"
#include "upkeep/populate_policy.h"
#include "upkeep/populate_records.h"
#include "upkeep/populate_spares.h"
#include "upkeep/populate_window.h"
#include "back/stock.h"
#include "back/superslab.h"
#include "os/node.h"
#include "os/vm.h"
#include "support/options.h"

#define FILLS_PER_TICK	8	/* strays and the clock wait no longer */
#define LOOK_NS		600000000ull
/* a huge page that was cheap so long ago says nothing now */
#define SEEN_CHEAP_NS	200000000ull

/* A home's. All of it the helper's alone, but for counts (relaxed atomics). */
struct ahead {
	unsigned home;
	bool begun;			/* somebody of the home has taken a superslab */
	struct populate_fill fill;
	struct populate_policy policy;
	struct populate_spares spares;
	struct populate_records records;
	struct populate_window window;
};

/* Pages of homes that nobody is on are never touched. */
static struct ahead homes[TOPOLOGY_HOMES_MAX] SPARSE;

static bool has_room;			/* on a processor beside the program's threads */
static size_t room_bytes = SIZE_MAX;	/* around the process: no more is brought */

static struct {
	_Atomic size_t dropped;
} counts;

static void populate_ahead_count(_Atomic size_t *counter, size_t more)
{
	atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

/* A few small pages tell what they cost, before the first huge one tells its own. */
static void begin_policy(struct ahead *ahead)
{
	ahead->policy.is_eager = options.helpers == HELPERS_ALWAYS;
	switch (options.huge_pages) {
	case HUGE_PAGES_NEVER:
		populate_policy_fix_pages(&ahead->policy, POPULATE_SMALL);
		break;
	case HUGE_PAGES_ALWAYS:
		populate_policy_fix_pages(&ahead->policy, POPULATE_HUGE);
		break;
	case HUGE_PAGES_AUTO:
		if (!vm_huge_pages_fit())
			populate_policy_fix_pages(&ahead->policy, POPULATE_SMALL);
		populate_policy_expect_small(&ahead->policy,
					     populate_fill_sample_small(&ahead->fill));
		break;
	}
}

/* A page that is moved stays on its node. */
static int node_to_stage(unsigned home)
{
	return node_binds() ? topology.node_of_home[home] : STAGING_ANY_NODE;
}

static void populate_fresh_records(struct ahead *ahead)
{
	uint32_t first, end;

	stock_read_fresh(ahead->home, &first, &end);
	if (populate_fill_reach(ahead->home))
		populate_records_tick(&ahead->records, first, end);
}

void populate_ahead_begin(bool has_room_beside, int error)
{
	has_room = has_room_beside && populate_spares_share(1);
	populate_spares_begin(&homes[0].spares, 0, &homes[0].fill);
	if (has_room) {
		/* What threads miss that run ahead already, and it takes little time. */
		populate_fresh_records(&homes[0]);
		populate_fill_begin(&homes[0].fill, node_to_stage(0), error);
		begin_policy(&homes[0]);
	} else {
		populate_fill_refuse(&homes[0].fill, has_room_beside ?
				     "the process may map less than a GiB" :
				     "the process may use one processor only");
	}
	homes[0].begun = true;
}

bool populate_ahead_has_room(void)
{
	return has_room;
}

/* One userfaultfd serves all. */
static void begin_home(unsigned home)
{
	homes[home].home = home;
	populate_spares_begin(&homes[home].spares, home, &homes[home].fill);
	populate_fill_begin_beside(&homes[home].fill, &homes[0].fill, node_to_stage(home));
	begin_policy(&homes[home]);
	homes[home].begun = true;
}

int populate_ahead_descriptor(void)
{
	return homes[0].fill.service.descriptor;
}

const struct fault_probe *populate_ahead_probe(void)
{
	return &homes[0].fill.probe;
}

/* False: nothing more to do now. */
static bool fill_one(struct ahead *ahead)
{
	enum populate_pages pages = populate_policy_choose(&ahead->policy);
	uint32_t superslab = populate_spares_next(&ahead->spares);
	uint64_t zeroing_ns;
	int error;

	if (superslab == SUPERSLAB_NONE)
		return false;
	error = populate_fill_superslab(&ahead->fill, populate_spares_start(superslab), pages,
					&zeroing_ns);
	if (zeroing_ns)
		populate_policy_note_cost(&ahead->policy, pages, zeroing_ns);
	if (error == -EAGAIN) {
		/* The kernel is busy with the range: it stays armed, for a later tick. */
		populate_spares_push(&ahead->spares, superslab);
		return false;
	}
	/* The node is full: stock of another's would be misplaced when there is room again. */
	if ((!error && !placement_is_home(populate_spares_start(superslab), ahead->home)) ||
	    populate_fill_disarm(&ahead->fill, populate_spares_start(superslab))) {
		populate_spares_take_back(&ahead->spares, superslab);
		if (!error)
			populate_ahead_count(&counts.dropped, SUPERSLAB_SIZE);
		return false;
	}
	/* Not filled, and plain now: the kernel populates it for whoever takes it. */
	if (error) {
		populate_spares_put_plain(&ahead->spares, superslab);
		return false;
	}
	populate_records_touch(superslab);
	brought_add(SUPERSLAB_SIZE);
	return stock_push(ahead->home, STOCK_READY, superslab);
}

/* Gives the pages of a superslab that nobody took back. */
static bool populate_ahead_drop_one(struct ahead *ahead)
{
	uint32_t superslab = stock_pop(ahead->home, STOCK_READY);

	if (superslab == SUPERSLAB_NONE)
		return false;
	if (vm_drop(populate_spares_start(superslab), SUPERSLAB_SIZE)) {
		stock_push(ahead->home, STOCK_READY, superslab);
		return false;
	}
	brought_give_up(SUPERSLAB_SIZE);
	populate_ahead_count(&counts.dropped, SUPERSLAB_SIZE);
	populate_spares_keep(&ahead->spares, superslab, 1);
	return true;
}

/* What may be brought besides what was and is not used yet. */
static size_t room_for_more(unsigned sharers)
{
	size_t budget = brought_budget(charge_taken_bytes()), brought = brought_bytes();

	return brought < budget ? min_size(budget - brought, room_bytes) / sharers : 0;
}

/* Threads that outrun the helper, as long as it has just seen that huge pages are cheap. */
static bool may_have_huge(const struct ahead *ahead, uint64_t now_ns)
{
	return options.huge_pages == HUGE_PAGES_AUTO && node_keeps_huge() && vm_huge_pages_fit() &&
	       populate_policy_saw_cheap_huge(&ahead->policy, now_ns, SEEN_CHEAP_NS) &&
	       populate_policy_grows_fast(&ahead->policy);
}

/* After each superslab: threads that grow fast may take the processor from the helper for long. */
static void keep_records_ahead(struct ahead *ahead)
{
	if (populate_policy_grows_fast(&ahead->policy))
		populate_fresh_records(ahead);
}

static unsigned fill_stock(struct ahead *ahead, uint64_t now_ns)
{
	unsigned filled = 0;

	if (!populate_policy_may_fill(&ahead->policy, now_ns))
		return 0;
	while (filled < FILLS_PER_TICK &&
	       stock_length(ahead->home, STOCK_READY) < ahead->policy.target &&
	       populate_fill_reach(ahead->home) && fill_one(ahead)) {
		keep_records_ahead(ahead);
		filled++;
	}
	return filled;
}

/* Nobody grows: an idle process holds neither stock nor staged pages. */
static void give_back(struct ahead *ahead)
{
	while (populate_ahead_drop_one(ahead))
		;
	populate_fill_drain(&ahead->fill);
}

static uint64_t populate_ahead_tend(struct ahead *ahead, uint64_t now_ns, unsigned sharers)
{
	struct stock_demand demand = stock_read_demand(ahead->home);
	unsigned filled;
	uint32_t most;

	populate_spares_put_surplus(&ahead->spares);
	populate_spares_take_retired(&ahead->spares);
	/* What threads free it looks at by itself. */
	if (!has_room)
		return LOOK_NS;
	most = (uint32_t)(room_for_more(sharers) / SUPERSLAB_SIZE);
	populate_policy_tick(
		&ahead->policy, now_ns,
		(struct populate_demand){ demand.taken, demand.missed,
					  most + stock_length(ahead->home, STOCK_READY) });
	keep_records_ahead(ahead);
	filled = fill_stock(ahead, now_ns);
	populate_window_move(&ahead->window, ahead->home,
			     most > filled && may_have_huge(ahead, now_ns));
	if (populate_policy_is_quiet(&ahead->policy, now_ns))
		give_back(ahead);
	return populate_policy_sleep(&ahead->policy, now_ns, filled == FILLS_PER_TICK);
}

void populate_ahead_give_back(void)
{
	struct stock_demand demand;
	unsigned home;

	for (home = 0; home < topology.homes; home++) {
		if (!homes[home].begun)
			continue;
		demand = stock_read_demand(home);
		populate_policy_rest(&homes[home].policy,
				     (struct populate_demand){ demand.taken, demand.missed, 0 });
		give_back(&homes[home]);
	}
}

void populate_ahead_set_room(size_t bytes)
{
	room_bytes = bytes;
}

/* How many homes want a stock just now, 1 at least. */
static unsigned begin_homes(void)
{
	unsigned home, wanting = 0;

	for (home = 0; home < topology.homes; home++) {
		if (!homes[home].begun && stock_read_demand(home).taken)
			begin_home(home);
		wanting += homes[home].policy.target > 0;
	}
	return wanting ? wanting : 1;
}

uint64_t populate_ahead_tick(uint64_t now_ns, void (*report)(const struct fault_stray *stray))
{
	uint64_t sleep_ns = UINT64_MAX;
	unsigned home, sharers = begin_homes();

	populate_fill_answer_strays(&homes[0].fill, report);
	for (home = 0; home < topology.homes; home++)
		if (homes[home].begun)
			sleep_ns = min_size(sleep_ns,
					    populate_ahead_tend(&homes[home], now_ns, sharers));
	return sleep_ns;
}

/* What the parent's helper had in hand is lost here: it may have been passing it on. */
void populate_ahead_forget(void)
{
	unsigned home;

	for (home = 0; home < topology.homes; home++)
		if (homes[home].begun)
			homes[home] = (struct ahead){ .begun = false };
	populate_fill_forget(&homes[0].fill);
}

/* The descriptor ended with the predecessor, so what was armed is plain. */
static void take_over_home(struct ahead *ahead)
{
	populate_spares_give_up(&ahead->spares);
	staging_close(&ahead->fill.staging);
}

void populate_ahead_take_over(void)
{
	unsigned home;

	for (home = 0; home < topology.homes; home++)
		if (homes[home].begun)
			take_over_home(&homes[home]);
	populate_ahead_forget();
}

void populate_ahead_read(struct populate_ahead_counts *read)
{
	struct populate_fill_counts came;
	unsigned home;

	populate_fill_read(&came);
	read->moved = came.moved;
	read->copied = came.copied;
	read->touched = came.touched;
	read->armed = came.armed;
	read->dropped = atomic_load_explicit(&counts.dropped, memory_order_relaxed);
	read->strays = came.strays;
	read->stock = 0;
	for (home = 0; home < topology.homes; home++)
		read->stock += stock_length(home, STOCK_READY) * SUPERSLAB_SIZE;
}
