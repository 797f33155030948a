/* SPDX-License-Identifier: MIT */
/*
 * release_behind.c - see release_behind.h.
 *
 * Superslabs with free units are on one of three lists of the helper's, or on none, or on the
 * stack where application threads leave them (superslab_take_idle):
 *
 *   watched   their units age, look by look
 *   whole     all units are due: first, side by side in one request
 *   parts     some are due: last, for they may have to be split off a huge page
 *
 * Free runs of the large range come between: see release_large.c.
 */
#include <config.h>

#include "upkeep/release_behind.h"

#include "back/index_stack.h"
#include "back/release.h"
#include "upkeep/release_large.h"
#include "back/superslab.h"
#include "back/superslab_claim.h"
#include "os/process.h"

/* superslabs in one request: 3 ms of small pages, 0.1 of huge ones */
#define RUN_MOST		16
#define PARTS_AT_ONCE		16	/* 5 ms, if all are split off huge pages */
/* a look at what has landed; waking for each costs as much as a huge page */
#define SLEEP_IN_FLIGHT_NS	4000000ull
#define SLEEP_NOTHING_NS	UINT64_MAX
#define SLEEP_LITTLE_NS		700000000ull
#define WORTH_UNITS		8

#define PIECE_BYTES		(8 * MiB)	/* of a large run, in the helper's own time */
#define PIECE_OF_WORKERS_BYTES	(64 * MiB)

/* Superslabs side by side, claimed; of one of them alone, perhaps some units only. */
struct run {
	uint32_t first, superslabs, mask;
};

/* What a worker releases: superslabs, or, if there are none, a piece of a large run. */
struct flight {
	struct run run;
	struct release_span piece;
};

/* A few runs of units, of one superslab or of several. */
struct parts {
	struct release_span spans[PARTS_AT_ONCE];
	uint32_t index[PARTS_AT_ONCE], mask[PARTS_AT_ONCE];
	unsigned count, most;
};

/* The helper's alone. Lists: links to the first, chained by idle_link. */
static struct {
	struct release_policy policy;
	uint32_t watched, whole, parts;
	/* idle in those watched, at the last look */
	uint32_t watched_units;
	struct flight flights[RELEASE_QUEUED_MOST];	/* by tag */
	uint32_t flying;				/* a bit a tag */
	struct run run_in_hand;				/* claimed; superslabs 0: none */
	struct parts parts_in_hand;			/* claimed; count 0: none */
} behind;

static void release_behind_keep(uint32_t *list, uint32_t index)
{
	index_stack_keep(list, index, &superslab_at(index)->idle_link);
}

/* The list is not empty. */
static uint32_t release_behind_pop(uint32_t *list)
{
	uint32_t index = index_from_link(*list);

	index_stack_drop_first(list, &superslab_at(index)->idle_link);
	return index;
}

static void release_behind_look_at(uint32_t index)
{
	struct superslab *superslab = superslab_at(index);
	uint32_t idle = superslab_free_units(index) &
			atomic_load_explicit(&superslab->populated, memory_order_relaxed);
	uint32_t touched = atomic_exchange_explicit(&superslab->touched, 0, memory_order_relaxed);

	superslab->due = release_policy_age(&behind.policy, superslab->quiet, idle, touched);
	if (superslab->due == SUPERSLAB_ALL_UNITS) {
		release_behind_keep(&behind.whole, index);
	} else if (superslab->due && behind.policy.parts) {
		release_behind_keep(&behind.parts, index);
	} else if (behind.policy.parts ? idle : idle == SUPERSLAB_ALL_UNITS) {
		release_behind_keep(&behind.watched, index);
		behind.watched_units += (uint32_t)__builtin_popcount(idle);
	} else {
		unsigned i;

		for (i = 0; i < RELEASE_POLICY_LOOKS; i++)
			superslab->quiet[i] = 0;
		superslab->due = 0;
		superslab_leave_idle(index);
	}
}

static void release_behind_look(void)
{
	uint32_t lists[] = { behind.watched, behind.whole, behind.parts, superslab_take_idle() };
	unsigned i;

	behind.watched = behind.whole = behind.parts = behind.watched_units = 0;
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		while (lists[i])
			release_behind_look_at(release_behind_pop(&lists[i]));
}

static bool claim_whole(uint32_t index)
{
	return index < superslab_count() && superslab_at(index)->due == SUPERSLAB_ALL_UNITS &&
	       superslab_claim_all(index, SUPERSLAB_ALL_UNITS);
}

/* Those beside it are still in the list; they will be found claimed, or released. */
static struct run claim_run(uint32_t index)
{
	struct run run = { index, 0, SUPERSLAB_ALL_UNITS };

	if (!claim_whole(index))
		return run;
	for (run.superslabs = 1; run.superslabs < RUN_MOST; run.superslabs++)
		if (!claim_whole(run.first + run.superslabs))
			break;
	while (run.superslabs < RUN_MOST && run.first > 0 && claim_whole(run.first - 1)) {
		run.first--;
		run.superslabs++;
	}
	return run;
}

static void release_behind_put_run(struct run run, bool released)
{
	uint32_t index;

	for (index = run.first; index < run.first + run.superslabs; index++)
		superslab_claim_put(index, run.mask, released ? run.mask : 0);
}

static struct release_span span_of_run(struct run run)
{
	return (struct release_span){
		reservation_unit_start((size_t)run.first * SUPERSLAB_UNITS),
		run.superslabs * SUPERSLAB_SIZE,
	};
}

/* True: the workers have all that they may have. */
static bool is_full(void)
{
	return release_has_ring() &&
	       behind.flying == ((uint32_t)1 << RELEASE_QUEUED_MOST) - 1;
}

/* Off to the workers; false: not this way, or not now. */
static bool fly(struct release_span span, struct flight flight)
{
	uint32_t tag = (uint32_t)__builtin_ctz(~behind.flying);

	if (!release_queue(span.start, span.bytes, tag))
		return false;
	behind.flights[tag] = flight;
	behind.flying |= (uint32_t)1 << tag;
	return true;
}

static void release_whole(uint32_t index)
{
	struct run run = claim_run(index);
	struct release_span span = span_of_run(run);

	behind.run_in_hand = run;
	/* Watched from here on: what the kernel refuses ages again. */
	release_behind_keep(&behind.watched, index);
	if (!run.superslabs)
		return;
	release_split_ends(span);
	if (!fly(span, (struct flight){ .run = run }))
		release_behind_put_run(run, release_spans(&span, 1, false));
	behind.run_in_hand.superslabs = 0;
}

static void release_behind_collect(void)
{
	bool released;
	uint32_t tag;

	while (release_collect(&tag, &released)) {
		behind.flying &= ~((uint32_t)1 << tag);
		if (behind.flights[tag].run.superslabs)
			release_behind_put_run(behind.flights[tag].run, released);
		else
			release_large_done(behind.flights[tag].piece, released);
	}
}

static void release_large(void)
{
	bool by_workers = release_has_ring();
	struct release_span piece;

	if (!release_large_next(by_workers ? PIECE_OF_WORKERS_BYTES : PIECE_BYTES, &piece))
		return;
	release_split_ends(piece);
	if (!fly(piece, (struct flight){ .piece = piece }))
		release_large_done(piece, release_spans(&piece, 1, false) != 0);
}

/* As many runs as there is room for; what is left stays due. */
static void claim_parts(struct parts *parts, uint32_t index)
{
	uint32_t *due = &superslab_at(index)->due;

	while (*due && parts->count < parts->most) {
		unsigned first = (unsigned)__builtin_ctz(*due);
		uint32_t rest = ~(*due >> first);
		unsigned units = rest ? (unsigned)__builtin_ctz(rest) : SUPERSLAB_UNITS;
		uint32_t mask = superslab_run_mask(first, units);
		size_t unit = (size_t)index * SUPERSLAB_UNITS + first;

		*due &= ~mask;
		if (!superslab_claim_all(index, mask))
			continue;
		parts->spans[parts->count] = (struct release_span){ reservation_unit_start(unit),
								    units * UNIT_SIZE };
		parts->index[parts->count] = index;
		parts->mask[parts->count++] = mask;
	}
}

static void release_claimed(const struct parts *parts)
{
	uint32_t released = release_spans(parts->spans, parts->count, true);
	unsigned i;

	for (i = 0; i < parts->count; i++)
		superslab_claim_put(parts->index[i], parts->mask[i],
				      released >> i & 1 ? parts->mask[i] : 0);
}

/* Not what is fastest: what release_by:ring asks for. */
static void queue_claimed(const struct parts *parts)
{
	unsigned i;

	for (i = 0; i < parts->count; i++) {
		struct run run = { parts->index[i], 1, parts->mask[i] };
		struct release_span span = parts->spans[i];

		release_split_ends(span);
		if (!fly(span, (struct flight){ .run = run }))
			release_behind_put_run(run, release_spans(&span, 1, false));
	}
}

static void release_parts(void)
{
	struct parts *parts = &behind.parts_in_hand;
	bool by_ring = options.release_by == RELEASE_BY_RING && release_has_ring();

	parts->most = PARTS_AT_ONCE;
	if (by_ring)
		parts->most -= (unsigned)__builtin_popcount(behind.flying);
	while (behind.parts && parts->count < parts->most) {
		uint32_t index = release_behind_pop(&behind.parts);

		claim_parts(parts, index);
		release_behind_keep(superslab_at(index)->due ? &behind.parts : &behind.watched,
				    index);
	}
	if (by_ring)
		queue_claimed(parts);
	else if (parts->count)
		release_claimed(parts);
	parts->count = 0;
}

static uint64_t release_behind_sleep_ns(uint64_t now_ns)
{
	uint64_t sleep = SLEEP_NOTHING_NS;

	bool wants_workers = behind.whole || release_large_is_due() ||
			     (behind.parts && options.release_by == RELEASE_BY_RING);

	if (wants_workers ? !is_full() : behind.parts != 0)
		return 0;
	if (behind.watched || wants_workers || release_large_is_watching())
		sleep = release_policy_sleep(&behind.policy, now_ns);
	/* For so little nobody is woken three times a decay. */
	if (behind.watched_units < WORTH_UNITS && !wants_workers && !release_large_is_watching() &&
	    sleep != SLEEP_NOTHING_NS)
		sleep += SLEEP_LITTLE_NS;
	if (behind.flying && sleep > SLEEP_IN_FLIGHT_NS)
		sleep = SLEEP_IN_FLIGHT_NS;
	return sleep;
}

static void release_all_parts(uint64_t began_ns)
{
	if (behind.whole || release_large_is_due())
		return;
	while (behind.parts && !(options.release_by == RELEASE_BY_RING && is_full()) &&
	       release_policy_goes_on(began_ns, process_now_ns()))
		release_parts();
	release_submit();
}

uint64_t release_behind_tick(enum release_urgency urgency)
{
	uint64_t began_ns = process_now_ns();

	release_behind_collect();
	release_policy_set(&behind.policy, options.release, options.decay_ms);
	if (release_policy_look(&behind.policy, began_ns, urgency)) {
		release_behind_look();
		release_large_look(&behind.policy);
	}
	while (behind.whole && !is_full() && release_policy_goes_on(began_ns, process_now_ns()))
		release_whole(release_behind_pop(&behind.whole));
	while (release_large_is_due() && !is_full() &&
	       release_policy_goes_on(began_ns, process_now_ns()))
		release_large();
	release_submit();
	release_all_parts(began_ns);
	return release_behind_sleep_ns(process_now_ns());
}

void release_behind_begin(bool use_ring)
{
	release_policy_begin(&behind.policy, options.release, options.decay_ms);
	release_begin(use_ring);
}

/* Whether the kernel released it before the predecessor ended is not known: it is dirty. */
static void put_back(struct flight flight)
{
	if (flight.run.superslabs)
		release_behind_put_run(flight.run, false);
	else
		release_large_done(flight.piece, false);
}

void release_behind_take_over(void)
{
	struct parts *parts = &behind.parts_in_hand;

	for (; behind.flying; behind.flying &= behind.flying - 1)
		put_back(behind.flights[__builtin_ctz(behind.flying)]);
	release_behind_put_run(behind.run_in_hand, false);
	for (; parts->count; parts->count--)
		superslab_claim_put(parts->index[parts->count - 1], parts->mask[parts->count - 1],
				    0);
	behind.run_in_hand.superslabs = 0;
	release_forget();
}

void release_behind_forget(void)
{
	behind.run_in_hand.superslabs = behind.parts_in_hand.count = 0;
	release_forget();
	release_large_forget();
	behind.watched = behind.whole = behind.parts = 0;
	behind.flying = 0;
}
