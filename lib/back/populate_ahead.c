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

#include <kmod-free-helpers/staging.h>

#include "back/populate_policy.h"
#include "back/stock.h"
#include "back/superslab.h"
#include "os/vm.h"
#include "support/options.h"

#define STAGED_UNITS	2	/* the stock is the buffer; zeroing and moving take turns */
#define FILLS_PER_TICK	8	/* strays and the clock wait no longer */
#define BATCH_MOST	8	/* superslabs armed at once */
#define SPARES_MOST	1024
#define SPARE_RUNS_MOST	24	/* armed spares side by side are one run: two mappings more at most */
#define COPIES_MOST	4
#define STRAYS_AT_ONCE	8

/* Superslabs side by side, armed; those from next on are missing. */
struct batch {
	uint32_t first, next, end;
};

/* All of it the helper's alone, but for counts (relaxed atomics). */
static struct {
	struct fault_probe probe;
	struct fault_service service;
	struct staging staging;
	struct staged_range zeroes;	/* what COPY copies from */
	struct populate_policy policy;
	struct batch batch;
	uint32_t spares[SPARES_MOST];	/* missing; armed if there is a service */
	uint32_t spare_count;
	uint32_t spare_runs;
} ahead = { .probe = { .way = FAULT_PROBE_NONE }, .service = { .descriptor = -1 } };

static struct {
	_Atomic size_t moved, copied, touched, dropped, strays;
} counts;

static void count(_Atomic size_t *counter, size_t bytes)
{
	atomic_fetch_add_explicit(counter, bytes, memory_order_relaxed);
}

static char *start_of(uint32_t superslab)
{
	return reservation_unit_start((size_t)superslab * SUPERSLAB_UNITS);
}

static bool is_armed_way(void)
{
	return ahead.probe.way != FAULT_PROBE_NONE;
}

static bool open_source(void)
{
	if (staging_open(&ahead.staging, STAGED_UNITS, 0, STAGING_ANY_NODE))
		return false;
	if (ahead.probe.way == FAULT_PROBE_MOVE)
		return true;
	staging_refill(&ahead.staging, STAGING_HUGE, 1, 1);
	return staging_take(&ahead.staging, STAGING_HUGE, true, &ahead.zeroes);
}

/* The chunk that the heap is in was opened before there was a helper: see populate.c. */
static void want_huge_fresh(void)
{
	uint32_t first, end;

	stock_read_fresh(0, &first, &end);
	if (first < end && options.huge_pages == HUGE_PAGES_AUTO)
		vm_want_huge(start_of(first), (size_t)(end - first) * SUPERSLAB_SIZE);
}

void populate_ahead_begin(void)
{
	unsigned flags;

	want_huge_fresh();
	fault_probe_run(&ahead.probe);
	if (ahead.probe.way == FAULT_PROBE_NONE)
		return;
	flags = ahead.probe.way == FAULT_PROBE_COPY ? FAULT_SERVICE_WITHOUT_MOVE : 0;
	if (fault_service_open(&ahead.service, flags) == 0) {
		if (open_source())
			return;
		fault_service_close(&ahead.service);
	}
	ahead.probe.way = FAULT_PROBE_NONE;
}

int populate_ahead_descriptor(void)
{
	return ahead.service.descriptor;
}

const struct fault_probe *populate_ahead_probe(void)
{
	return &ahead.probe;
}

static int arm(uint32_t superslab, uint32_t superslabs)
{
	if (!is_armed_way())
		return 0;
	return fault_service_arm(&ahead.service, start_of(superslab), superslabs * SUPERSLAB_SIZE);
}

static int disarm(uint32_t superslab)
{
	if (!is_armed_way())
		return 0;
	return fault_service_disarm(&ahead.service, start_of(superslab), SUPERSLAB_SIZE);
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

/* Without pages: armed and kept, or plain for whoever takes it. False: no room for it. */
static bool keep_spare(uint32_t superslab)
{
	if (has_room_for_spare(superslab) && arm(superslab, 1) == 0) {
		push_spare(superslab);
		return true;
	}
	return stock_push(0, STOCK_SPARE, superslab);
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
	ahead.probe.way = FAULT_PROBE_NONE;
	return true;
}

/* The next superslab to fill; it is armed if anything is. */
static uint32_t next_missing(void)
{
	uint32_t plain;

	if (ahead.spare_count) {
		uint32_t spare = pop_spare();

		if (is_armed_way())
			fault_service_mend(start_of(spare));
		return spare;
	}
	if (ahead.batch.next < ahead.batch.end || start_batch())
		return ahead.batch.next++;
	plain = stock_pop(0, STOCK_SPARE);
	if (plain != STOCK_NONE && arm(plain, 1)) {
		stock_push(0, STOCK_SPARE, plain);
		return STOCK_NONE;
	}
	return plain;
}

/* What is there already a stray may have written: what is handed out must be zero. */
static int copy_all(char *start, const struct staged_range *source)
{
	struct fault_install done;
	unsigned tries;
	int error;

	for (tries = 0; tries < COPIES_MOST; tries++) {
		error = fault_service_copy(&ahead.service, start, source->start, SUPERSLAB_SIZE,
					   &done);
		if (error || !done.existing_bytes)
			return error;
		fault_service_mend(start);
	}
	return -EAGAIN;
}

static int fill_by_copy(char *start)
{
	struct staged_range source = ahead.zeroes;
	bool staged = !source.start;
	int error;

	if (staged && !(staging_refill(&ahead.staging, STAGING_HUGE, 1, 1),
			staging_take(&ahead.staging, STAGING_HUGE, true, &source)))
		return -ENOMEM;
	error = copy_all(start, &source);
	if (staged)
		staging_put(&ahead.staging, STAGING_HUGE, &source, 0);
	if (!error)
		count(&counts.copied, SUPERSLAB_SIZE);
	return error;
}

static int fill_by_move(char *start)
{
	struct fault_install done = { 0, 0 };
	struct staged_range source;
	int error;

	staging_refill(&ahead.staging, STAGING_HUGE, 1, 1);
	if (!staging_take(&ahead.staging, STAGING_HUGE, true, &source))
		return fill_by_copy(start);
	error = fault_service_move(&ahead.service, start, source.start, SUPERSLAB_SIZE, &done);
	staging_put(&ahead.staging, STAGING_HUGE, &source, done.installed_bytes);
	if (!error && !done.existing_bytes) {
		count(&counts.moved, SUPERSLAB_SIZE);
		return 0;
	}
	if (error == -EAGAIN)
		return error;
	/* Shared with a fork's child, locked on one side only, or strayed into: from the start. */
	fault_service_mend(start);
	return fill_by_copy(start);
}

/* By touching, not MADV_POPULATE_WRITE: that holds the mmap lock while the kernel zeroes. */
static int fill_by_touch(char *start)
{
	size_t offset, page = vm_page_size();

	vm_want_huge(start, SUPERSLAB_SIZE);
	for (offset = 0; offset < SUPERSLAB_SIZE; offset += page)
		*(volatile char *)(start + offset) = 0;
	count(&counts.touched, SUPERSLAB_SIZE);
	return 0;
}

static int fill(char *start)
{
	switch (ahead.probe.way) {
	case FAULT_PROBE_MOVE:
		return fill_by_move(start);
	case FAULT_PROBE_COPY:
		return fill_by_copy(start);
	case FAULT_PROBE_NONE:
		break;
	}
	return fill_by_touch(start);
}

/* False: nothing more to do now. */
static bool fill_one(void)
{
	uint32_t superslab = next_missing();
	int error;

	if (superslab == STOCK_NONE)
		return false;
	error = fill(start_of(superslab));
	if (error == -EAGAIN) {
		/* The kernel is busy with the range: it stays armed, for a later tick. */
		push_spare(superslab);
		return false;
	}
	if (disarm(superslab)) {
		/* No mapping left to split with: armed memory is handed out to nobody. */
		vm_drop(start_of(superslab), SUPERSLAB_SIZE);
		if (!error)
			count(&counts.dropped, SUPERSLAB_SIZE);
		push_spare(superslab);
		return false;
	}
	/* Not filled, and plain now: the kernel populates it for whoever takes it. */
	return stock_push(0, error ? STOCK_SPARE : STOCK_READY, superslab) && !error;
}

/* Gives the pages of a superslab that nobody took back. */
static bool drop_one(void)
{
	uint32_t superslab = stock_pop(0, STOCK_READY);

	if (superslab == STOCK_NONE || vm_drop(start_of(superslab), SUPERSLAB_SIZE))
		return false;
	count(&counts.dropped, SUPERSLAB_SIZE);
	return keep_spare(superslab);
}

static void take_retired(void)
{
	uint32_t superslab;

	while ((superslab = stock_pop(0, STOCK_RETIRED)) != STOCK_NONE)
		if (!keep_spare(superslab)) {
			stock_push(0, STOCK_RETIRED, superslab);
			break;
		}
}

static void answer_strays(void (*report)(const struct fault_stray *stray))
{
	struct fault_stray strays[STRAYS_AT_ONCE];
	int i, found = 0;

	if (ahead.service.descriptor >= 0)
		found = fault_service_read_strays(&ahead.service, strays, STRAYS_AT_ONCE);
	for (i = 0; i < found; i++) {
		count(&counts.strays, 1);
		report(&strays[i]);
		fault_service_answer_stray(&ahead.service, &strays[i]);
	}
}

uint64_t populate_ahead_tick(uint64_t now_ns, void (*report)(const struct fault_stray *stray))
{
	struct stock_demand demand = stock_read_demand(0);
	unsigned filled = 0;
	bool more = true;

	answer_strays(report);
	populate_policy_tick(&ahead.policy, now_ns,
			     (struct populate_demand){ demand.taken, demand.missed,
						       superslab_count() });
	take_retired();
	while (more && filled < FILLS_PER_TICK &&
	       stock_length(0, STOCK_READY) < ahead.policy.target) {
		more = fill_one();
		filled += more;
	}
	while (stock_length(0, STOCK_READY) > ahead.policy.target && drop_one())
		;
	/* Pages staged for nobody would be held by an idle process. */
	if (ahead.policy.target == 0 && ahead.probe.way == FAULT_PROBE_MOVE)
		staging_drain(&ahead.staging, STAGING_HUGE, 0);
	return populate_policy_sleep(&ahead.policy, now_ns, filled == FILLS_PER_TICK);
}

void populate_ahead_forget(void)
{
	ahead.service.descriptor = -1;
	ahead.probe.way = FAULT_PROBE_NONE;
	ahead.zeroes = (struct staged_range){ .start = NULL };
	ahead.policy = (struct populate_policy){ .target = 0 };
	/* What the parent's helper had in hand is lost here: it may have been passing it on. */
	ahead.batch = (struct batch){ 0, 0, 0 };
	ahead.spare_count = ahead.spare_runs = 0;
}

void populate_ahead_read(struct populate_ahead_counts *read)
{
	read->moved = atomic_load_explicit(&counts.moved, memory_order_relaxed);
	read->copied = atomic_load_explicit(&counts.copied, memory_order_relaxed);
	read->touched = atomic_load_explicit(&counts.touched, memory_order_relaxed);
	read->dropped = atomic_load_explicit(&counts.dropped, memory_order_relaxed);
	read->strays = atomic_load_explicit(&counts.strays, memory_order_relaxed);
	read->stock = stock_length(0, STOCK_READY) * SUPERSLAB_SIZE;
}
