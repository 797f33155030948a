/* SPDX-License-Identifier: MIT */
/*
 * populate_ahead.c - see populate_ahead.h.
 *
 *   fresh ── a batch is armed ──► fill one ── disarm ──► STOCK_READY ──► an application thread
 *                                   ▲                        │ nobody takes it
 *   STOCK_RETIRED ── arm ──► spares ┘◄──── drop its pages ───┘
 */
#include <config.h>

#include "back/populate_ahead.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "back/placement.h"
#include "back/populate.h"
#include "back/populate_fill.h"
#include "back/populate_policy.h"
#include "back/stock.h"
#include "back/superslab.h"
#include "os/vm.h"
#include "support/options.h"

#define FILLS_PER_TICK	8	/* strays and the clock wait no longer */
#define BATCH_MOST	8	/* superslabs armed at once */
#define SPARES_MOST	1024
#define SPARE_RUNS_MOST	24	/* armed spares side by side are one run: two mappings more at most */
#define RECORDS_A_PAGE	(4096 / UNIT_RECORD_BYTES)
#define PLAIN_MOST	16	/* superslabs … */
#define PLAIN_FROM	64	/* … once there are so many in all */
#define STRAYS_AT_ONCE	8
#define ADVICES_MOST	16	/* each splits a mapping */

/* Superslabs side by side, armed; those from next on are missing. */
struct batch {
	uint32_t first, next, end;
};

/* All of it the helper's alone, but for counts (relaxed atomics). */
static struct {
	struct populate_fill fill;
	struct populate_policy policy;
	struct batch batch;
	uint32_t spares[SPARES_MOST];	/* missing; armed if there is a service */
	uint32_t spare_count;
	uint32_t spare_runs;
	uint32_t surplus;		/* index + 1, by surplus_link: plain, no room elsewhere */
	uint32_t plain_next, plain_end;	/* superslabs of the plain part, not looked at yet */
	uint32_t advices;
	enum populate_pages advised;	/* what threads get that the helper is too late for */
} ahead = { .fill = POPULATE_FILL_CLOSED };

static struct {
	_Atomic size_t dropped, strays;
} counts;

static void count(_Atomic size_t *counter, size_t more)
{
	atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

static char *start_of(uint32_t superslab)
{
	return reservation_unit_start((size_t)superslab * SUPERSLAB_UNITS);
}

/* A few small pages tell what they cost, before the first huge one tells its own. */
static void begin_policy(void)
{
	switch (options.huge_pages) {
	case HUGE_PAGES_NEVER:
		populate_policy_fix_pages(&ahead.policy, POPULATE_SMALL);
		break;
	case HUGE_PAGES_ALWAYS:
		populate_policy_fix_pages(&ahead.policy, POPULATE_HUGE);
		break;
	case HUGE_PAGES_AUTO:
		populate_policy_expect_small(&ahead.policy,
					     populate_fill_sample_small(&ahead.fill));
		if (ahead.fill.zeroes_ns)
			populate_policy_note_cost(&ahead.policy, POPULATE_HUGE,
						  ahead.fill.zeroes_ns);
		break;
	}
}

void populate_ahead_begin(int node)
{
	populate_fill_begin(&ahead.fill, node);
	begin_policy();
}

int populate_ahead_descriptor(void)
{
	return ahead.fill.service.descriptor;
}

const struct fault_probe *populate_ahead_probe(void)
{
	return &ahead.fill.probe;
}

static int arm(uint32_t superslab, uint32_t superslabs)
{
	return populate_fill_arm(&ahead.fill, start_of(superslab), superslabs);
}

/* Under a limit of address space nothing is held back that a thread may need. */
static uint32_t share_of_heap(uint32_t most)
{
	size_t share = (reservation.bytes >> SUPERSLAB_SHIFT) / (GiB / SUPERSLAB_SIZE);

	return share < most ? (uint32_t)share : most;
}

/* How many runs one more spare makes: fewer than none where it joins two. */
static int runs_with(uint32_t superslab)
{
	uint32_t i;
	int runs = 1;

	for (i = 0; i < ahead.spare_count; i++)
		runs -= ahead.spares[i] + 1 == superslab || superslab + 1 == ahead.spares[i];
	return runs;
}

static void push_spare(uint32_t superslab)
{
	ahead.spare_runs += (uint32_t)runs_with(superslab);
	ahead.spares[ahead.spare_count++] = superslab;
}

static uint32_t pop_spare(void)
{
	uint32_t spare = ahead.spares[--ahead.spare_count];

	ahead.spare_runs -= (uint32_t)runs_with(spare);
	return spare;
}

static bool has_room_for_spare(uint32_t superslab)
{
	return ahead.spare_count < share_of_heap(SPARES_MOST) &&
	       (int)ahead.spare_runs + runs_with(superslab) <= SPARE_RUNS_MOST;
}

/* Nobody but the helper knows it until there is room for it in the stock. */
static void push_surplus(uint32_t superslab)
{
	superslab_at(superslab)->surplus_link = ahead.surplus;
	ahead.surplus = superslab + 1;
}

static uint32_t pop_surplus(void)
{
	uint32_t superslab = ahead.surplus - 1;

	ahead.surplus = superslab_at(superslab)->surplus_link;
	return superslab;
}

/* Plain and without pages, for whoever takes it first. */
static void put_plain(uint32_t superslab)
{
	if (!stock_push(0, STOCK_SPARE, superslab))
		push_surplus(superslab);
}

static void put_surplus(void)
{
	while (ahead.surplus && stock_length(0, STOCK_SPARE) < STOCK_SLOTS)
		put_plain(pop_surplus());
}

/* Without pages: armed and kept, or plain. */
static void keep_spare(uint32_t superslab)
{
	if (has_room_for_spare(superslab) && arm(superslab, 1) == 0)
		push_spare(superslab);
	else
		put_plain(superslab);
}

static bool start_batch(void)
{
	uint32_t first, most = share_of_heap(BATCH_MOST);
	uint32_t superslabs = stock_take_fresh(0, most ? most : 1, &first);

	if (!superslabs)
		return false;
	ahead.batch = (struct batch){ first, first, first + superslabs };
	if (arm(first, superslabs) == 0)
		return true;
	/* Not armable (mappings used up, another userfaultfd): from now on by touching. */
	ahead.fill.probe.way = FAULT_PROBE_NONE;
	return true;
}

/* The next superslab to fill; it is armed if anything is. */
static uint32_t next_missing(void)
{
	uint32_t plain;

	if (ahead.spare_count) {
		uint32_t spare = pop_spare();

		populate_fill_empty(&ahead.fill, start_of(spare));
		return spare;
	}
	if (ahead.batch.next < ahead.batch.end || start_batch())
		return ahead.batch.next++;
	plain = stock_pop(0, STOCK_SPARE);
	if (plain != STOCK_NONE && arm(plain, 1)) {
		put_plain(plain);
		return STOCK_NONE;
	}
	return plain;
}

/*
 * The record as well: it is of first-touched memory like any other. A page of it holds seven
 * units' parts; nobody else writes to those of a superslab that is the helper's.
 */
static void populate_record(uint32_t superslab)
{
	struct unit_record *records = superslab_at(superslab)->records;
	unsigned unit;

	for (unit = 0; unit < SUPERSLAB_UNITS; unit += RECORDS_A_PAGE)
		*(volatile uint64_t *)records[unit].words = records[unit].words[0];
	*(volatile uint64_t *)records[SUPERSLAB_UNITS - 1].words =
		records[SUPERSLAB_UNITS - 1].words[0];
}

/* No mapping is left to split with: armed memory is handed out to nobody. */
static void take_back(uint32_t superslab)
{
	vm_drop(start_of(superslab), SUPERSLAB_SIZE);
	push_spare(superslab);
}

/* False: nothing more to do now. */
static bool fill_one(void)
{
	enum populate_pages pages = populate_policy_choose(&ahead.policy);
	uint32_t superslab = next_missing();
	uint64_t zeroing_ns;
	int error;

	if (superslab == STOCK_NONE)
		return false;
	error = populate_fill_superslab(&ahead.fill, start_of(superslab), pages, &zeroing_ns);
	if (zeroing_ns)
		populate_policy_note_cost(&ahead.policy, pages, zeroing_ns);
	if (error == -EAGAIN) {
		/* The kernel is busy with the range: it stays armed, for a later tick. */
		push_spare(superslab);
		return false;
	}
	/* The node is full: stock of another's would be misplaced when there is room again. */
	if ((!error && !placement_is_home(start_of(superslab), 0)) ||
	    populate_fill_disarm(&ahead.fill, start_of(superslab))) {
		take_back(superslab);
		if (!error)
			count(&counts.dropped, SUPERSLAB_SIZE);
		return false;
	}
	/* Not filled, and plain now: the kernel populates it for whoever takes it. */
	if (error) {
		put_plain(superslab);
		return false;
	}
	populate_record(superslab);
	return stock_push(0, STOCK_READY, superslab);
}

/* Gives the pages of a superslab that nobody took back. */
static bool drop_one(void)
{
	uint32_t superslab = stock_pop(0, STOCK_READY);

	if (superslab == STOCK_NONE)
		return false;
	if (vm_drop(start_of(superslab), SUPERSLAB_SIZE)) {
		stock_push(0, STOCK_READY, superslab);
		return false;
	}
	count(&counts.dropped, SUPERSLAB_SIZE);
	keep_spare(superslab);
	return true;
}

static void take_retired(void)
{
	uint32_t superslab;

	/* Only what threads may have back at once: the surplus is out of their reach. */
	while (stock_length(0, STOCK_SPARE) < STOCK_SLOTS &&
	       (superslab = stock_pop(0, STOCK_RETIRED)) != STOCK_NONE)
		keep_spare(superslab);
}

/*
 * What threads take themselves, while the helper is too late, is of the cheaper pages too:
 * the rest of the chunk that is open, and what will be opened (see populate.c).
 */
static void advise_fresh(void)
{
	enum populate_pages pages = ahead.policy.pages;
	uint32_t first, end;

	if (options.huge_pages != HUGE_PAGES_AUTO || !populate_policy_is_sure(&ahead.policy) ||
	    (ahead.advices && pages == ahead.advised) || ahead.advices == ADVICES_MOST)
		return;
	if (!ahead.advices)
		ahead.plain_end = superslab_count() < PLAIN_MOST ? superslab_count() : PLAIN_MOST;
	ahead.advices++;
	ahead.advised = pages;
	populate_advise(pages == POPULATE_HUGE ? POPULATE_ADVICE_HUGE : POPULATE_ADVICE_SMALL);
	stock_read_fresh(0, &first, &end);
	if (first >= end)
		return;
	if (pages == POPULATE_HUGE)
		vm_want_huge(start_of(first), (size_t)(end - first) * SUPERSLAB_SIZE);
	else
		vm_refuse_huge(start_of(first), (size_t)(end - first) * SUPERSLAB_SIZE);
}

static void answer_strays(void (*report)(const struct fault_stray *stray))
{
	struct fault_stray strays[STRAYS_AT_ONCE];
	int i, found = 0;

	if (ahead.fill.service.descriptor >= 0)
		found = fault_service_read_strays(&ahead.fill.service, strays, STRAYS_AT_ONCE);
	for (i = 0; i < found; i++) {
		count(&counts.strays, 1);
		report(&strays[i]);
		fault_service_answer_stray(&ahead.fill.service, &strays[i]);
	}
}

/*
 * The slabs of the plain part have untouched tails, and what follows it would be slowed down
 * by them for long. A heap beside which they are little gets them too, by small pages: never
 * armed, so not by userfaultfd; unit by unit, since the kernel holds the mmap lock.
 */
static void populate_plain_one(void)
{
	struct superslab *superslab = superslab_at(ahead.plain_next);
	uint32_t units = atomic_load_explicit(&superslab->populated, memory_order_relaxed);

	for (; units; units &= units - 1)
		vm_populate(start_of(ahead.plain_next) +
				    (size_t)__builtin_ctz(units) * UNIT_SIZE, UNIT_SIZE);
	ahead.plain_next++;
}

static unsigned fill_stock(uint64_t now_ns)
{
	unsigned filled = 0;

	if (!populate_policy_may_fill(&ahead.policy, now_ns))
		return 0;
	while (filled < FILLS_PER_TICK && stock_length(0, STOCK_READY) < ahead.policy.target &&
	       fill_one())
		filled++;
	return filled;
}

uint64_t populate_ahead_tick(uint64_t now_ns, void (*report)(const struct fault_stray *stray))
{
	struct stock_demand demand = stock_read_demand(0);
	unsigned filled;

	answer_strays(report);
	populate_policy_tick(&ahead.policy, now_ns,
			     (struct populate_demand){ demand.taken, demand.missed,
						       superslab_count() });
	put_surplus();
	take_retired();
	filled = fill_stock(now_ns);
	advise_fresh();
	if (ahead.plain_next < ahead.plain_end && superslab_count() > PLAIN_FROM)
		populate_plain_one();
	while (stock_length(0, STOCK_READY) > ahead.policy.target && drop_one())
		;
	/* Pages staged for nobody would be held by an idle process. */
	if (ahead.policy.target == 0)
		populate_fill_drain(&ahead.fill);
	return populate_policy_sleep(&ahead.policy, now_ns, filled == FILLS_PER_TICK);
}

void populate_ahead_forget(void)
{
	populate_fill_forget(&ahead.fill);
	ahead.policy = (struct populate_policy){ .target = 0 };
	/* What the parent's helper had in hand is lost here: it may have been passing it on. */
	ahead.batch = (struct batch){ 0, 0, 0 };
	ahead.spare_count = ahead.spare_runs = 0;
	ahead.surplus = 0;
	ahead.advices = ahead.plain_next = ahead.plain_end = 0;
}

void populate_ahead_read(struct populate_ahead_counts *read)
{
	struct populate_fill_counts came;

	populate_fill_read(&came);
	read->moved = came.moved;
	read->copied = came.copied;
	read->touched = came.touched;
	read->dropped = atomic_load_explicit(&counts.dropped, memory_order_relaxed);
	read->strays = atomic_load_explicit(&counts.strays, memory_order_relaxed);
	read->stock = stock_length(0, STOCK_READY) * SUPERSLAB_SIZE;
}
