/* SPDX-License-Identifier: MIT */
/*
 * See heat.h; `hakctl map --heat` asks. Two ways: asynchronous write-protection, through the
 * userfaultfd that the helper has; or the kernel's soft-dirty bits, where it keeps such.
 */
#include <config.h>

#include "hakctl/verbs/heat.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hakctl/client/memory_map.h"
#include "hakctl/output/message.h"
#include "hakctl/verbs/write_watch.h"

struct tally {
	struct heat *heat;
	uint64_t heap_start;
};

static void add(uint64_t start, uint64_t end, bool huge, void *argument)
{
	struct tally *tally = argument;

	(void)huge;
	while (start < end) {
		uint64_t index = (start - tally->heap_start) / HEAT_SUPERSLAB_BYTES;
		uint64_t stop = tally->heap_start + (index + 1) * HEAT_SUPERSLAB_BYTES;

		if (stop > end)
			stop = end;
		if (index < tally->heat->count)
			tally->heat->written_bytes[index] += (uint32_t)(stop - start);
		start = stop;
	}
}

static volatile sig_atomic_t is_interrupted;

static void interrupt(int signal_)
{
	(void)signal_;
	is_interrupted = 1;
}

/* From here on an interruption only ends the pause: protection has to be taken away. */
static void catch_interruptions(void)
{
	struct sigaction action = { .sa_handler = interrupt };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

static void pause_for(double seconds)
{
	struct timespec left = { (time_t)seconds,
				 (long)((seconds - floor(seconds)) * 1e9) };

	while (!is_interrupted && nanosleep(&left, &left) != 0 && errno == EINTR)
		;
}

static void begin(const struct control_ledger *ledger, struct heat *heat)
{
	heat->count = (ledger->heap_end - ledger->heap_start + HEAT_SUPERSLAB_BYTES - 1) /
		      HEAT_SUPERSLAB_BYTES;
	heat->written_bytes = calloc(heat->count + 1, sizeof(*heat->written_bytes));
	if (!heat->written_bytes)
		message_out_of_memory();
}

/* Of a live superslab the program may write to any page; others are in the helper's hands. */
static bool may_be_written(const struct control_superslab *superslab)
{
	return superslab->kind != CONTROL_SUPERSLAB_STOCK &&
	       superslab->kind != CONTROL_SUPERSLAB_ARMED && superslab->live_units;
}

/* The next run of live superslabs from *index on; false: there is none. */
static bool next_run(const struct reply_rows *rows, uint64_t heap_start, size_t *index,
		     struct write_range *range)
{
	const struct control_superslab *superslabs = (const void *)rows->rows;
	size_t first;

	while (*index < rows->count && !may_be_written(&superslabs[*index]))
		++*index;
	first = *index;
	while (*index < rows->count && may_be_written(&superslabs[*index]))
		++*index;
	range->start = heap_start + first * HEAT_SUPERSLAB_BYTES;
	range->end = heap_start + *index * HEAT_SUPERSLAB_BYTES;
	return first < *index;
}

/* What has come into the helper's hands since is registered by it in its own way: left alone. */
static void end_watch(const struct target *target, struct write_watch *watch,
		      uint64_t heap_start, const struct reply_rows *watched)
{
	struct reply_rows now = { .row_bytes = sizeof(struct control_superslab) };
	const struct control_superslab *before = (const void *)watched->rows, *after;
	struct connection connection;
	struct failure unused;

	if (target_connect(target, &connection, &unused)) {
		connection_ask_rows(&connection, CONTROL_MAP, &now, &unused);
		connection_close(&connection);
	}
	after = (const void *)now.rows;
	for (size_t i = 0; i < watched->count; i++) {
		struct write_range range = { heap_start + i * HEAT_SUPERSLAB_BYTES,
					     heap_start +
						     (i + 1) * HEAT_SUPERSLAB_BYTES };

		if (may_be_written(&before[i]) &&
		    (i >= now.count || (after[i].kind != CONTROL_SUPERSLAB_ARMED &&
					after[i].kind != CONTROL_SUPERSLAB_STOCK)))
			write_watch_end(watch, range);
	}
	reply_free_rows(&now);
}

static bool by_protection(const struct target *target,
			  const struct control_ledger *ledger,
			  const struct reply_rows *superslabs, double seconds,
			  struct tally *tally, struct failure *failure)
{
	struct write_watch watch;
	struct write_range range;
	size_t index = 0;
	bool done = true;

	if (!write_watch_open(&target->process, &watch, failure))
		return false;
	while (done && next_run(superslabs, ledger->heap_start, &index, &range))
		done = write_watch_begin(&watch, range);
	if (!done)
		failure_set(
			failure, EXIT_REFUSED,
			"no heat: asynchronous write-protection: %s; it wants Linux 6.7 and "
			"a library that asks for it",
			strerror(errno));
	if (done)
		pause_for(seconds);
	for (index = 0; done && next_run(superslabs, ledger->heap_start, &index, &range);)
		write_watch_visit(&watch, range, add, tally);
	end_watch(target, &watch, ledger->heap_start, superslabs);
	write_watch_close(&watch);
	return done;
}

bool heat_measure(const struct target *target, const struct control_ledger *ledger,
		  const struct reply_rows *superslabs, double seconds, struct heat *heat,
		  struct failure *failure)
{
	struct tally tally = { heat, ledger->heap_start };

	*heat = (struct heat){ .how = "soft-dirty bits" };
	begin(ledger, heat);
	catch_interruptions();
	if (memory_map_begin_dirty(&target->process)) {
		pause_for(seconds);
		if (memory_map_scan_dirty(&target->process, ledger->heap_start,
					  ledger->heap_end, add, &tally))
			return true;
	}
	heat->how = "asynchronous write-protection";
	if (by_protection(target, ledger, superslabs, seconds, &tally, failure))
		return true;
	heat_free(heat);
	return false;
}

void heat_free(struct heat *heat)
{
	free(heat->written_bytes);
	*heat = (struct heat){ .written_bytes = NULL };
}
