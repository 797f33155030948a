/* SPDX-License-Identifier: MIT */
/*
 * See outside.h; look.c and doctor.c call it. The sums are those of lib/control/ledger.c and
 * usage.c, over structs of the library's, which are read as they are: numbers of a moment.
 */
#include <config.h>

#include "hakctl/client/outside.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "control/outline.h"
#include "hakctl/client/memory_map.h"
#include "hakctl/client/outside_heaps.h"
#include "hakctl/client/patience.h"
#include "hakctl/client/remote.h"
#include "hakctl/client/reply.h"

#define SYMBOL "hak_outline"

#define PATIENCE_NS 1000000000u

/* More of them, and what was read makes no sense. */
enum { MOST_SUPERSLABS = 1 << 24, SUPERSLABS_AT_ONCE = 256 };

static uint64_t now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

bool outside_is_late(const struct outside *outside)
{
	if (now(CLOCK_MONOTONIC) < outside->deadline_ns)
		return false;
	errno = ETIMEDOUT;
	return true;
}

bool outside_open(struct outside *outside, const struct process *process,
		  const struct process_library *library, struct failure *failure)
{
	static const uint32_t ours[CONTROL_OUTLINE_SHAPE] = OUTLINE_SHAPE;
	uint64_t address;

	*outside = (struct outside){ .process = process,
				     .deadline_ns =
					     patience_cut_ns(now(CLOCK_MONOTONIC) + PATIENCE_NS) };
	if (!remote_find(library, SYMBOL, &address, failure))
		return false;
	if (!remote_read(process, address, &outside->outline, sizeof(outside->outline)))
		return failure_set(failure, EXIT_REFUSED, "its memory cannot be read: %s%s",
				   strerror(errno), errno == EPERM ? "; root may" : "");
	if (outside->outline.magic != CONTROL_MAGIC ||
	    outside->outline.bytes != sizeof(outside->outline) ||
	    memcmp(outside->outline.shape, ours, sizeof(ours)) != 0)
		return failure_set(failure, EXIT_REFUSED,
				   "its library %s is of another build than this hakctl, which so "
				   "cannot add up what it counts",
				   library->path);
	return true;
}

struct heap_sums {
	struct outside_sum *sums;
	struct control_ledger *ledger;
};

static void add_to_sums(const struct thread_cache *cache, void *argument)
{
	struct heap_sums *to = argument;

	outside_heaps_add(cache, to->sums, to->ledger);
}

static bool add_heaps(const struct outside *outside, struct outside_sum *sums,
		      struct control_ledger *ledger)
{
	struct heap_sums to = { sums, ledger };

	ledger->heaps = ledger->threads = 0;
	ledger->remote_frees = 0;
	if (!outside_heaps_visit(outside, add_to_sums, &to))
		return false;
	ledger->thread_caches_count = ledger->threads;
	return true;
}

static bool add_sent_alone(const struct outside *outside, struct outside_sum *sums)
{
	uint32_t sent[CLASS_COUNT];

	if (!remote_read(outside->process, outside_heaps_address(outside->outline.sent_alone), sent,
			 sizeof(sent)))
		return false;
	for (unsigned class = 0; class < CLASS_COUNT; class++)
		sums[class].sent += sent[class];
	return true;
}

static uint64_t asked(unsigned class, const struct outside_sum *sum, uint64_t live)
{
	uint64_t size = size_class_table[class].size;
	uint64_t below = class && class < CLASSES_BY_SIZE ? size_class_table[class - 1].size : size;

	if (!sum->samples)
		return live * (size + below) / 2;
	return (uint64_t)((double)live * (double)sum->asked / (double)sum->samples);
}

static struct control_class row_of(unsigned class, const struct outside_sum *sum)
{
	const struct size_class *of = &size_class_table[class];
	uint64_t in_transit = outside_heaps_not_below_zero((int32_t)(sum->sent - sum->received));
	uint64_t live = outside_heaps_not_below_zero(
		(int64_t)(sum->slabs * of->capacity - sum->free - sum->cached - in_transit));

	return (struct control_class){
		.size_bytes = of->size,
		.slab_bytes = of->units * (uint32_t)UNIT_SIZE,
		.slab_capacity = of->capacity,
		.alignment_only = size_class_is_aligned_only(class),
		.slabs = sum->slabs,
		.live = live,
		.cached = sum->cached,
		.in_transit = in_transit,
		.free = sum->free,
		.untouched = sum->untouched,
		.asked_bytes = asked(class, sum, live),
		.samples = sum->samples,
	};
}

static void clear_blocks(struct control_ledger *ledger)
{
	ledger->asked_bytes = ledger->asked_samples = ledger->rounding_bytes = 0;
	ledger->blocks_live_bytes = ledger->blocks_live_count = 0;
	ledger->thread_caches_bytes = ledger->slabs_untouched_bytes = ledger->slabs_free_bytes = 0;
	ledger->in_transit_bytes = ledger->slabs_bytes = ledger->slab_tails_bytes = 0;
}

static void add_class(const struct control_class *row, struct control_ledger *ledger)
{
	uint64_t size = row->size_bytes;

	ledger->asked_bytes += row->asked_bytes;
	ledger->asked_samples += row->samples;
	ledger->blocks_live_bytes += row->live * size;
	ledger->blocks_live_count += row->live;
	ledger->thread_caches_bytes += row->cached * size;
	ledger->slabs_untouched_bytes += row->untouched * size;
	ledger->slabs_free_bytes +=
		outside_heaps_not_below_zero((int64_t)(row->free - row->untouched)) * size;
	ledger->in_transit_bytes += row->in_transit * size;
	ledger->slabs_bytes += row->slabs * row->slab_bytes;
	ledger->slab_tails_bytes += row->slabs * (row->slab_bytes - row->slab_capacity * size);
}

static bool add_large(const struct outside *outside, struct control_ledger *ledger)
{
	const struct control_outline *outline = &outside->outline;
	size_t numbers[4]; /* as struct large_count_totals has them */
	uint64_t live, all, slack;
	uint32_t dirty;

	_Static_assert(sizeof(numbers) == sizeof(struct large_count_totals), "four of them");
	if (!remote_read(outside->process, outside_heaps_address(outline->large), numbers,
			 sizeof(numbers)) ||
	    !remote_read(outside->process, outside_heaps_address(outline->large_dirty), &dirty,
			 sizeof(dirty)))
		return false;
	all = numbers[0] << UNIT_SHIFT;
	live = numbers[1] << UNIT_SHIFT;
	slack = numbers[3];
	ledger->large_live_bytes = live;
	ledger->large_live_count = numbers[2];
	ledger->large_free_dirty_bytes = (uint64_t)dirty << UNIT_SHIFT;
	ledger->large_free_clean_bytes = outside_heaps_not_below_zero(
		(int64_t)(all - live - ledger->large_free_dirty_bytes));
	ledger->asked_bytes += live - slack;
	ledger->rounding_bytes = outside_heaps_not_below_zero(
		(int64_t)(ledger->blocks_live_bytes + live - ledger->asked_bytes));
	return true;
}

/* units and populated, as they begin a record. */
struct superslab_head {
	uint64_t units;
	uint32_t populated;
};

static void add_superslab(const struct superslab_head *head, struct control_ledger *ledger)
{
	uint32_t free = (uint32_t)head->units;

	ledger->units_free_bytes +=
		(uint64_t)__builtin_popcount(free & head->populated) * UNIT_SIZE;
	ledger->units_clean_bytes +=
		(uint64_t)__builtin_popcount(free & ~head->populated) * UNIT_SIZE;
}

/* Their records lie far apart; one that is not opened is of the large range. */
static bool add_superslabs(const struct outside *outside, uint64_t anchor,
			   struct control_ledger *ledger)
{
	struct superslab_head heads[SUPERSLABS_AT_ONCE];
	struct iovec local[SUPERSLABS_AT_ONCE], remote[SUPERSLABS_AT_ONCE];
	uint32_t index, count = 0;

	ledger->units_free_bytes = ledger->units_clean_bytes = ledger->queued_bytes = 0;
	if (!remote_read(outside->process, outside_heaps_address(outside->outline.superslabs),
			 &count, sizeof(count)) ||
	    count > MOST_SUPERSLABS)
		return false;
	ledger->superslabs = count;
	for (index = 0; index < count;) {
		unsigned many = count - index < SUPERSLABS_AT_ONCE ? count - index :
								     SUPERSLABS_AT_ONCE;
		ssize_t got;

		if (outside_is_late(outside))
			return false;
		for (unsigned i = 0; i < many; i++) {
			local[i] = (struct iovec){ &heads[i], sizeof(heads[i]) };
			remote[i] = (struct iovec){
				(void *)(uintptr_t)(anchor -
						    (index + i + 1) *
							    (uint64_t)SUPERSLAB_RECORD_BYTES),
				sizeof(heads[i])
			};
		}
		got = process_vm_readv(outside->process->pid, local, many, remote, many, 0);
		for (ssize_t i = 0; i < got / (ssize_t)sizeof(heads[0]); i++)
			add_superslab(&heads[i], ledger);
		/* The first that could not be read is passed over. */
		index += got > 0 ? (uint32_t)(got / (ssize_t)sizeof(heads[0])) : 0;
		index += got < (ssize_t)(many * sizeof(heads[0]));
	}
	return true;
}

/* What the kernel says of the heap's mappings; metadata lies before it. */
static void add_kernel(const struct outside *outside, const struct reservation *space,
		       struct control_ledger *ledger)
{
	uint64_t base = space->base, end = base + space->bytes;
	uint64_t start = outside_heaps_address(space->anchor) -
			 (space->bytes >> SUPERSLAB_SHIFT) * SUPERSLAB_RECORD_BYTES;
	uint64_t began_ns = now(CLOCK_MONOTONIC);
	struct memory_map map;
	struct failure failure;

	if (!memory_map_read(outside->process, start, end, &map, &failure))
		return;
	ledger->populated_bytes = ledger->populated_huge_bytes = ledger->metadata_bytes = 0;
	ledger->opened_bytes = 0;
	ledger->heap_start = ledger->heap_end = ledger->metadata_end = base;
	ledger->metadata_start = base;
	for (size_t i = 0; i < map.count; i++) {
		const struct memory_range *range = &map.ranges[i];

		ledger->populated_bytes += range->rss_bytes;
		ledger->populated_huge_bytes += range->huge_bytes;
		if (!range->is_writable)
			continue;
		if (range->start < base) {
			ledger->metadata_bytes += range->rss_bytes;
			if (range->start < ledger->metadata_start)
				ledger->metadata_start = range->start;
		} else {
			ledger->opened_bytes += range->end - range->start;
			ledger->heap_end = range->end;
		}
	}
	/* Of one pass: a difference of two moments would be none. */
	ledger->populated_rss_bytes = map.rss_bytes;
	ledger->populated_ns = now(CLOCK_MONOTONIC);
	ledger->populated_pass_ns = ledger->populated_ns - began_ns;
	memory_map_free(&map);
}

static void add_rest(const struct outside *outside, uint64_t now_ns, struct control_ledger *ledger)
{
	const struct control_outline *outline = &outside->outline;
	struct options theirs;
	size_t calls[2];

	if (remote_read(outside->process, outside_heaps_address(outline->calls), calls,
			sizeof(calls))) {
		ledger->application_calls = calls[0];
		ledger->helper_calls = calls[1];
	}
	ledger->limit_soft_bytes = ledger->limit_hard_bytes = UINT64_MAX;
	if (remote_read(outside->process, outside_heaps_address(outline->options), &theirs,
			sizeof(theirs))) {
		ledger->limit_soft_bytes = theirs.limit_soft_bytes;
		ledger->limit_hard_bytes = theirs.limit_hard_bytes;
	}
	ledger->limit_taken_bytes = ledger->slabs_bytes + ledger->units_free_bytes +
				    ledger->large_live_bytes + ledger->large_free_dirty_bytes +
				    ledger->metadata_bytes;
	ledger->rss_bytes = outside->process->rss_bytes;
	ledger->taken_ns = now_ns;
	ledger->up_ns = now(CLOCK_BOOTTIME) - outside->process->start_time * 1000000000u /
						      (uint64_t)sysconf(_SC_CLK_TCK);
}

size_t outside_read(const struct outside *outside, struct control_ledger *ledger,
		    struct control_class *classes, struct failure *failure)
{
	static struct outside_sum sums[CLASS_COUNT];
	struct reservation space;
	uint64_t now_ns = now(CLOCK_MONOTONIC);

	memset(sums, 0, sizeof(sums));
	size_class_init();
	clear_blocks(ledger);
	if (!remote_read(outside->process, outside_heaps_address(outside->outline.reservation),
			 &space, sizeof(space)) ||
	    !add_heaps(outside, sums, ledger) || !add_sent_alone(outside, sums)) {
		failure_set(failure, EXIT_REFUSED, "what it counts cannot be read: %s",
			    strerror(errno));
		return 0;
	}
	for (unsigned class = 0; class < CLASS_COUNT; class++) {
		classes[class] = row_of(class, &sums[class]);
		add_class(&classes[class], ledger);
	}
	add_large(outside, ledger);
	ledger->reserved_bytes = space.bytes;
	if (space.bytes && !add_superslabs(outside, outside_heaps_address(space.anchor), ledger)) {
		failure_set(failure, EXIT_REFUSED, "what it counts cannot be read: %s",
			    strerror(errno));
		return 0;
	}
	if (space.bytes)
		add_kernel(outside, &space, ledger);
	add_rest(outside, now_ns, ledger);
	return CLASS_COUNT;
}

size_t outside_rungs(const struct outside *outside, struct control_rung *rungs, size_t most)
{
	size_t count = outside->outline.rung_count < most ? outside->outline.rung_count : most;

	if (!remote_read(outside->process, outside_heaps_address(outside->outline.rungs), rungs,
			 count * sizeof(rungs[0])))
		return 0;
	for (size_t i = 0; i < count; i++)
		reply_clean_texts(CONTROL_DOCTOR, &rungs[i], sizeof(rungs[i]));
	return count;
}
