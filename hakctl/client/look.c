/* SPDX-License-Identifier: MIT */
/* See look.h; ps, stats, top, numa and metrics take looks. */
#include <config.h>

#include "hakctl/client/look.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hakctl/client/ledger.h"
#include "hakctl/client/memory_map.h"
#include "hakctl/output/message.h"
#include "hakctl/client/outside.h"
#include "hakctl/client/rung.h"
#include "hakctl/client/snapshot.h"

enum { LOOK_MOST_RUNGS = 64 };

/* As lib/control/ledger.c does it; a gibibyte of small pages takes some fifty milliseconds. */
#define PAGES_STEP ((uint64_t)16 << 20)
#define PAGES_MOST ((uint64_t)64 << 20)

/* A few milliseconds more are better than an answer in which a line is missing. */
#define KERNEL_TRIES	3
#define KERNEL_PAUSE_NS 2000000

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void begin(struct look *look)
{
	*look = (struct look){ .release = "" };
	look->classes.row_bytes = sizeof(struct control_class);
	look->threads.row_bytes = sizeof(struct control_thread);
	look->nodes.row_bytes = sizeof(struct control_node);
}

/* The library asks the kernel for the pages of the heap only once somebody wants to know. */
static bool ask_for_ledger(struct connection *connection, struct look *look,
			   struct failure *failure)
{
	struct timespec pause = { .tv_nsec = KERNEL_PAUSE_NS };

	for (int tries = 0; tries < KERNEL_TRIES; tries++) {
		if (tries)
			nanosleep(&pause, NULL);
		if (!connection_ask(connection, CONTROL_STATS, NULL, 0, &look->ledger,
				    sizeof(look->ledger), 0, failure))
			return false;
		if (look->ledger.populated_ns || !look->ledger.opened_bytes)
			break;
	}
	return true;
}

struct page_count {
	uint64_t base; /* metadata lies before it */
	uint64_t bytes, huge_bytes, metadata_bytes;
};

static void count_run(uint64_t start, uint64_t end, bool huge, void *argument)
{
	struct page_count *count = argument;

	count->bytes += end - start;
	count->huge_bytes += huge ? end - start : 0;
	count->metadata_bytes += start < count->base ? end - start : 0;
}

static bool count_between(const struct process *process, uint64_t from, uint64_t to, uint64_t step,
			  struct page_count *count)
{
	while (from < to) {
		uint64_t end = to - from < step ? to : from + step;

		if (!memory_map_scan(process, from, end, count_run, count))
			return false;
		from = end;
	}
	return true;
}

/*
 * Of metadata there is little in much address space, and the kernel passes over what is not there
 * at once. The library asks the kernel seldom, for that is the process's own time. Where its answer
 * is old and the heap not large it is asked from here, a few MiB under one hold of the process's
 * lock.
 */
static void count_pages(const struct target *target, struct control_ledger *ledger)
{
	struct page_count count = { .base = ledger->heap_start };
	struct process now;
	uint64_t began_ns = now_ns();

	if (ledger_populated_age_ns(ledger) < LEDGER_AGE_NS || ledger->opened_bytes > PAGES_MOST ||
	    !ledger->heap_start ||
	    !count_between(&target->process, ledger->metadata_start, ledger->heap_start, UINT64_MAX,
			   &count) ||
	    !count_between(&target->process, ledger->heap_start, ledger->heap_end, PAGES_STEP,
			   &count) ||
	    !process_read(&now, target->process.pid))
		return;
	ledger->populated_bytes = count.bytes;
	ledger->populated_huge_bytes = count.huge_bytes;
	ledger->metadata_bytes = count.metadata_bytes;
	ledger->populated_rss_bytes = now.rss_bytes;
	ledger->populated_ns = now_ns();
	ledger->populated_pass_ns = ledger->populated_ns - began_ns;
}

/* The library does not know its threads' numbers, the C library does. */
static void find_threads(const struct target *target, struct look *look)
{
	struct reply_rows rows = { .row_bytes = sizeof(struct control_thread) };
	struct control_thread *known = (void *)look->threads.rows;
	struct outside outside;
	struct failure unread;

	if (!target->has_library ||
	    !outside_open(&outside, &target->process, &target->library, &unread))
		return;
	outside_threads(&outside, &rows);
	for (size_t i = 0; i < look->threads.count; i++)
		for (size_t j = known[i].number; j < rows.count; j++) {
			const struct control_thread *row = (void *)(rows.rows + j * rows.row_bytes);

			if (row->number == known[i].number) {
				known[i].thread = row->thread;
				break;
			}
		}
	reply_free_rows(&rows);
}

static bool ask(struct connection *connection, unsigned wanted, struct look *look,
		struct failure *failure)
{
	memcpy(look->release, connection->hello.release, sizeof(look->release));
	return ask_for_ledger(connection, look, failure) &&
	       (!(wanted & LOOK_CLASSES) ||
		connection_ask_rows(connection, CONTROL_CLASSES, &look->classes,
				    failure)) &&
	       (!(wanted & LOOK_THREADS) ||
		connection_ask_rows(connection, CONTROL_THREADS, &look->threads,
				    failure)) &&
	       (!(wanted & LOOK_NODES) ||
		connection_ask_rows(connection, CONTROL_NODES, &look->nodes, failure));
}

static void keep_classes(struct look *look, const struct control_class *classes, size_t count)
{
	size_t bytes = count * sizeof(classes[0]);

	look->classes.rows = malloc(bytes ? bytes : 1);
	if (!look->classes.rows)
		message_out_of_memory();
	memcpy(look->classes.rows, classes, bytes);
	look->classes.count = look->classes.room = count;
}

/* The reason is told beside it. */
static void describe(const struct outside *outside, struct control_ledger *ledger)
{
	struct control_rung rungs[LOOK_MOST_RUNGS];
	size_t count = outside_rungs(outside, rungs, LOOK_MOST_RUNGS);

	if (!rung_without_helper(rungs, count))
		return;
	snprintf(ledger->mode, sizeof(ledger->mode), "no helper");
	ledger->notice[0] = '\0';
}

/*
 * What a helper wrote last is in the snapshot, what is counted anyway is added up here. Nodes are
 * in neither.
 */
static bool read_from_outside(const struct target *target, struct look *look,
			      const char *why, struct failure *failure)
{
	static struct control_snapshot snapshot;
	struct failure unread, uncounted;
	struct outside outside;
	size_t count = 0;

	if (!target->has_library)
		return failure_set(failure, EXIT_REFUSED, "%s", why);
	if (!snapshot_read(&target->process, &target->library, &snapshot, &unread))
		return failure_set(failure, EXIT_REFUSED, "%s, and %s", why, unread.text);
	if (outside_open(&outside, &target->process, &target->library, &uncounted)) {
		describe(&outside, &snapshot.ledger);
		count = outside_read(&outside, &snapshot.ledger, snapshot.classes, &uncounted);
	}
	if (!count && snapshot.sequence == 0)
		return failure_set(failure, EXIT_REFUSED, "%s, and %s", why, uncounted.text);
	if (count)
		outside_threads(&outside, &look->threads);
	look->ledger = snapshot.ledger;
	keep_classes(look, snapshot.classes, count ? count : snapshot.class_count);
	look->from_outside = true;
	snprintf(look->why_outside, sizeof(look->why_outside), "%s", why);
	return true;
}

static int by_node(const void *left, const void *right)
{
	const struct control_node *one = left, *other = right;

	return (one->node > other->node) - (one->node < other->node);
}

bool look_take(const struct target *target, unsigned wanted, struct look *look,
	       struct failure *failure)
{
	struct connection connection;
	bool done;

	begin(look);
	if (target->state == TARGET_STOPPED)
		return read_from_outside(target, look, "it is stopped", failure);
	if (target->state == TARGET_SILENT)
		return read_from_outside(target, look, target->reason, failure);
	if (!target_connect(target, &connection, failure))
		return target->state == TARGET_READY && failure->is_timeout &&
		       read_from_outside(target, look, "it does not answer", failure);
	done = ask(&connection, wanted, look, failure);
	/* While hakctl does not wait for a processor, see priority.h. */
	if (done && target->process.state != '?')
		count_pages(target, &look->ledger);
	connection_close(&connection);
	/* The library's first is where the process began. */
	if (done && wanted & LOOK_NODES)
		qsort(look->nodes.rows, look->nodes.count, look->nodes.row_bytes, by_node);
	if (done && wanted & LOOK_THREADS)
		find_threads(target, look);
	if (done)
		return true;
	look_free(look);
	return failure->is_timeout &&
	       read_from_outside(target, look, "it does not answer", failure);
}

void look_free(struct look *look)
{
	reply_free_rows(&look->classes);
	reply_free_rows(&look->threads);
	reply_free_rows(&look->nodes);
}

uint64_t look_age_ns(const struct look *look)
{
	uint64_t now = now_ns();

	return now > look->ledger.taken_ns ? now - look->ledger.taken_ns : 0;
}

uint64_t look_live_bytes(const struct control_ledger *ledger)
{
	return ledger->blocks_live_bytes + ledger->large_live_bytes;
}
