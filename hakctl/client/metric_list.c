/* SPDX-License-Identifier: MIT */
/* See metric_list.h; stats and metrics print from it. */
#include <config.h>

#include "hakctl/client/metric_list.h"

#include <stdio.h>
#include <string.h>

#include "hakctl/client/ledger.h"

enum { LABEL_BYTES = METRIC_LIST_LABELS + 1024 };

enum unit { UNIT_COUNT, UNIT_BYTES, UNIT_LIMIT, UNIT_NS };

struct metric {
	const char *json; /* the field of struct control_ledger, too */
	const char *name; /* in metrics, without the prefix */
	size_t offset, bytes;
	enum unit unit;
	enum openmetrics_type type;
	const char *help;
};

#define FIELD(field)                                            \
#field, #field, offsetof(struct control_ledger, field), \
		sizeof(((struct control_ledger *)NULL)->field)
/* Metrics are in seconds, and a count is no suffix there: the name is another one. */
#define FIELD_AS(field, name)                                 \
#field, name, offsetof(struct control_ledger, field), \
		sizeof(((struct control_ledger *)NULL)->field)
#define GAUGE	OPENMETRICS_GAUGE
#define COUNTER OPENMETRICS_COUNTER

static const struct metric metrics_of_ledger[] = {
	{ FIELD_AS(up_ns, "up_seconds"), UNIT_NS, GAUGE,
	  "Time since the library was loaded." },
	{ FIELD(asked_bytes), UNIT_BYTES, GAUGE,
	  "Live memory as the program asked for it; sampled." },
	{ FIELD(asked_samples), UNIT_COUNT, GAUGE, "Samples behind asked_bytes." },
	{ FIELD(rounding_bytes), UNIT_BYTES, GAUGE,
	  "Live memory lost to size classes; sampled." },
	{ FIELD(blocks_live_bytes), UNIT_BYTES, GAUGE, "Live blocks in slabs." },
	{ FIELD_AS(blocks_live_count, "blocks_live"), UNIT_COUNT, GAUGE,
	  "Number of live blocks in slabs." },
	{ FIELD(large_live_bytes), UNIT_BYTES, GAUGE, "Live blocks above 1 MiB." },
	{ FIELD_AS(large_live_count, "large_live"), UNIT_COUNT, GAUGE,
	  "Number of live blocks above 1 MiB." },
	{ FIELD(thread_caches_bytes), UNIT_BYTES, GAUGE,
	  "Free blocks in thread caches." },
	{ FIELD_AS(thread_caches_count, "thread_caches"), UNIT_COUNT, GAUGE, "Thread caches." },
	{ FIELD(slabs_free_bytes), UNIT_BYTES, GAUGE,
	  "Free blocks in partly used slabs, handed out before." },
	{ FIELD(slabs_untouched_bytes), UNIT_BYTES, GAUGE,
	  "Free blocks in partly used slabs, never handed out." },
	{ FIELD(slab_tails_bytes), UNIT_BYTES, GAUGE,
	  "Room behind the last block of slabs." },
	{ FIELD(slabs_bytes), UNIT_BYTES, GAUGE, "Memory cut into slabs." },
	{ FIELD(in_transit_bytes), UNIT_BYTES, GAUGE,
	  "Freed by another thread, on the way home." },
	{ FIELD(units_free_bytes), UNIT_BYTES, GAUGE,
	  "In no slab, used before, not given back." },
	{ FIELD(units_clean_bytes), UNIT_BYTES, GAUGE,
	  "In no slab, given back or never used." },
	{ FIELD(stock_bytes), UNIT_BYTES, GAUGE,
	  "Populated ahead, waiting to be taken." },
	{ FIELD(brought_bytes), UNIT_BYTES, GAUGE,
	  "Brought ahead of its use, in stock or not, and not used yet." },
	{ FIELD(queued_bytes), UNIT_BYTES, GAUGE, "Free, waiting to be given back." },
	{ FIELD(releasing_bytes), UNIT_BYTES, GAUGE, "Being given back now." },
	{ FIELD(large_free_dirty_bytes), UNIT_BYTES, GAUGE,
	  "Free in the large range, not given back." },
	{ FIELD(large_free_clean_bytes), UNIT_BYTES, GAUGE,
	  "Free in the large range, given back or never used." },
	{ FIELD(metadata_bytes), UNIT_BYTES, GAUGE, "Records, bins and caches." },
	{ FIELD(populated_bytes), UNIT_BYTES, GAUGE,
	  "Resident in the heap and its metadata, as the kernel says." },
	{ FIELD(populated_huge_bytes), UNIT_BYTES, GAUGE, "Of it in huge pages." },
	{ FIELD(rss_bytes), UNIT_BYTES, GAUGE, "Resident size of the whole process." },
	{ FIELD(armed_bytes), UNIT_BYTES, GAUGE,
	  "Missing, and watched for stray accesses." },
	{ FIELD(opened_bytes), UNIT_BYTES, GAUGE,
	  "Heap address space that may be touched." },
	{ FIELD(reserved_bytes), UNIT_BYTES, GAUGE, "Heap address space in all." },
	{ FIELD(application_calls), UNIT_COUNT, COUNTER,
	  "Memory system calls by the program's threads." },
	{ FIELD(helper_calls), UNIT_COUNT, COUNTER, "Memory system calls by helpers." },
	{ FIELD(waits), UNIT_COUNT, COUNTER, "Slow paths of threads that were timed." },
	{ FIELD_AS(wait_p99_ns, "wait_p99_seconds"), UNIT_NS, GAUGE,
	  "99th percentile of waiting for pages." },
	{ FIELD_AS(wait_max_ns, "wait_max_seconds"), UNIT_NS, GAUGE,
	  "Longest wait for pages." },
	{ FIELD(moved_bytes), UNIT_BYTES, COUNTER, "Populated ahead by moving pages." },
	{ FIELD(copied_bytes), UNIT_BYTES, COUNTER, "Populated ahead by copying." },
	{ FIELD(touched_bytes), UNIT_BYTES, COUNTER,
	  "Populated ahead by the helper's touch." },
	{ FIELD(taken_ahead_bytes), UNIT_BYTES, COUNTER, "Handed to threads populated." },
	{ FIELD(taken_plain_bytes), UNIT_BYTES, COUNTER,
	  "Handed to threads for the kernel to populate." },
	{ FIELD(dropped_bytes), UNIT_BYTES, COUNTER,
	  "Populated ahead, given back untaken." },
	{ FIELD(released_bytes), UNIT_BYTES, COUNTER, "Given back to the kernel." },
	{ FIELD(released_ring_bytes), UNIT_BYTES, COUNTER, "Given back by io_uring." },
	{ FIELD(released_vector_bytes), UNIT_BYTES, COUNTER,
	  "Given back by process_madvise." },
	{ FIELD(released_call_bytes), UNIT_BYTES, COUNTER, "Given back by madvise." },
	{ FIELD(released_trim_bytes), UNIT_BYTES, COUNTER, "Of these by malloc_trim." },
	{ FIELD(release_calls), UNIT_COUNT, COUNTER, "Calls that gave memory back." },
	{ FIELD(release_failures), UNIT_COUNT, COUNTER, "Calls of these that failed." },
	{ FIELD(remote_frees), UNIT_COUNT, COUNTER,
	  "Blocks sent home by other threads." },
	{ FIELD(misplaced_bytes), UNIT_BYTES, GAUGE,
	  "Live on another node than their thread's." },
	{ FIELD(misplaced_moved_bytes), UNIT_BYTES, COUNTER,
	  "Misplaced pages moved home." },
	{ FIELD(spilled_bytes), UNIT_BYTES, COUNTER, "Given out of another node's memory." },
	{ FIELD(homes), UNIT_COUNT, GAUGE, "Nodes that memory may come from." },
	{ FIELD(pinned_bytes), UNIT_BYTES, GAUGE,
	  "In caches of sleeping threads that could not be emptied." },
	{ FIELD(pinned_threads), UNIT_COUNT, GAUGE, "Threads with such caches." },
	{ FIELD(strays), UNIT_COUNT, COUNTER,
	  "Touches of memory that nobody was given." },
	{ FIELD(refused), UNIT_COUNT, COUNTER, "Allocations refused." },
	{ FIELD(helper_wakeups), UNIT_COUNT, COUNTER, "Times the helper woke." },
	{ FIELD_AS(helper_lag_ns, "helper_lag_seconds"), UNIT_NS, GAUGE,
	  "How late the helper woke last." },
	{ FIELD_AS(helper_lag_max_ns, "helper_lag_max_seconds"), UNIT_NS, GAUGE,
	  "How late the helper woke at most." },
	{ FIELD(limit_soft_bytes), UNIT_LIMIT, GAUGE,
	  "The soft limit, where there is one." },
	{ FIELD(limit_hard_bytes), UNIT_LIMIT, GAUGE,
	  "The hard limit, where there is one." },
	{ FIELD(limit_taken_bytes), UNIT_BYTES, GAUGE,
	  "What counts against the limits." },
	{ FIELD(threads), UNIT_COUNT, GAUGE, "Threads with a heap." },
	{ FIELD(heaps), UNIT_COUNT, GAUGE, "Heaps ever made." },
	{ FIELD(nodes), UNIT_COUNT, GAUGE, "NUMA nodes that memory is placed on." },
	{ FIELD(superslabs), UNIT_COUNT, GAUGE, "Superslabs of 2 MiB." },
	{ FIELD(clients), UNIT_COUNT, GAUGE, "Clients of the control socket." },
};

#define METRIC_COUNT (sizeof(metrics_of_ledger) / sizeof(metrics_of_ledger[0]))

static uint64_t value_of(const struct control_ledger *ledger, const struct metric *metric)
{
	const char *field = (const char *)ledger + metric->offset;
	uint64_t wide;
	uint32_t narrow;

	if (metric->bytes == sizeof(wide)) {
		memcpy(&wide, field, sizeof(wide));
		return wide;
	}
	memcpy(&narrow, field, sizeof(narrow));
	return narrow;
}

void metric_list_to_json(const struct control_ledger *ledger, struct json_object *object)
{
	for (size_t i = 0; i < METRIC_COUNT; i++) {
		const struct metric *metric = &metrics_of_ledger[i];

		if (metric->unit == UNIT_LIMIT)
			json_output_limit(object, metric->json, value_of(ledger, metric));
		else
			json_output_number(object, metric->json,
					   value_of(ledger, metric));
	}
}

/* Once a source: its cgroup is a file that has to be read. */
static void label_target(char labels[METRIC_LIST_LABELS], const struct target *target)
{
	char pid[16], unit[128];

	labels[0] = '\0';
	process_find_setting(&target->process, unit);
	snprintf(pid, sizeof(pid), "%d", (int)target->process.pid);
	openmetrics_label(labels, METRIC_LIST_LABELS, "pid", pid);
	openmetrics_label(labels, METRIC_LIST_LABELS, "process", target->process.name);
	if (unit[0])
		openmetrics_label(labels, METRIC_LIST_LABELS, "unit", unit);
}

static void write_ledger(struct openmetrics *metrics, const struct metric *metric,
			 const struct metric_source *sources, size_t count)
{
	static const char *const units[] = { NULL, "bytes", "bytes", "seconds" };

	openmetrics_family(metrics, metric->name, metric->type, units[metric->unit],
			   metric->help);
	for (size_t i = 0; i < count; i++) {
		const char *labels = sources[i].labels;
		uint64_t value;

		if (!sources[i].look)
			continue;
		value = value_of(&sources[i].look->ledger, metric);
		if (metric->unit == UNIT_NS)
			openmetrics_seconds(metrics, labels, value);
		else if (metric->unit != UNIT_LIMIT || value != UINT64_MAX)
			openmetrics_sample(metrics, labels, value);
	}
}

/* Old numbers look like new ones in a graph. */
static void write_age(struct openmetrics *metrics, const struct metric_source *sources,
		      size_t count)
{
	openmetrics_family(metrics, "populated_age_seconds", OPENMETRICS_GAUGE, "seconds",
			   "How old populated_bytes is; it is of an earlier moment than the rest.");
	for (size_t i = 0; i < count; i++) {
		uint64_t age_ns = sources[i].look ?
					  ledger_populated_age_ns(&sources[i].look->ledger) :
					  UINT64_MAX;

		if (age_ns == UINT64_MAX)
			continue;
		openmetrics_seconds(metrics, sources[i].labels, age_ns);
	}
}

static void write_answers(struct openmetrics *metrics,
			  const struct metric_source *sources, size_t count)
{
	char labels[LABEL_BYTES], group[256];

	openmetrics_family(
		metrics, "answers", OPENMETRICS_GAUGE, NULL,
		"1: the process was asked; 0: it could not be, or is stopped.");
	for (size_t i = 0; i < count; i++) {
		openmetrics_sample(metrics, sources[i].labels,
				   sources[i].look && !sources[i].look->from_outside);
	}
	openmetrics_family(
		metrics, "library", OPENMETRICS_INFO, NULL,
		"The release of the library, how its memory arrives, and the process's cgroup.");
	for (size_t i = 0; i < count; i++) {
		if (!sources[i].look)
			continue;
		memcpy(labels, sources[i].labels, sizeof(sources[i].labels));
		openmetrics_label(labels, LABEL_BYTES, "release",
				  sources[i].look->release);
		openmetrics_label(labels, LABEL_BYTES, "mode",
				  sources[i].look->ledger.mode);
		process_find_group(&sources[i].target->process, group);
		openmetrics_label(labels, LABEL_BYTES, "cgroup", group);
		openmetrics_sample(metrics, labels, 1);
	}
}

/* One kind of blocks in the rows of classes, or of bytes in those of nodes. */
struct row_metric {
	const char *state;
	size_t offset;
};

static void write_rows(struct openmetrics *metrics, const struct metric_source *source,
		       const struct reply_rows *rows, const char *label,
		       const struct row_metric *kinds, size_t kind_count)
{
	for (size_t i = 0; i < rows->count; i++) {
		const unsigned char *row = rows->rows + i * rows->row_bytes;
		uint32_t number; /* size of a class, number of a node: the first field */

		memcpy(&number, row, sizeof(number));
		for (size_t kind = 0; kind < kind_count; kind++) {
			char labels[LABEL_BYTES], text[16];
			uint64_t value;

			memcpy(&value, row + kinds[kind].offset, sizeof(value));
			/* Most classes of most processes have nothing of most kinds. */
			if (!value)
				continue;
			memcpy(labels, source->labels, sizeof(source->labels));
			snprintf(text, sizeof(text), "%u", (unsigned)number);
			openmetrics_label(labels, LABEL_BYTES, label, text);
			openmetrics_label(labels, LABEL_BYTES, "state",
					  kinds[kind].state);
			openmetrics_sample(metrics, labels, value);
		}
	}
}

/* A series' value cannot be multiplied with its label: ranked by bytes they have to be bytes. */
static void write_class_bytes(struct openmetrics *metrics, const struct metric_source *source)
{
	const struct control_class *rows = (const void *)source->look->classes.rows;

	for (size_t i = 0; i < source->look->classes.count; i++) {
		const uint64_t bytes[] = {
			rows[i].live * rows[i].size_bytes,
			(rows[i].free + rows[i].cached + rows[i].in_transit) * rows[i].size_bytes,
		};
		static const char *const states[] = { "live", "free" };

		for (int state = 0; state < 2; state++) {
			char labels[LABEL_BYTES], size[16];

			if (!bytes[state])
				continue;
			memcpy(labels, source->labels, sizeof(source->labels));
			snprintf(size, sizeof(size), "%u", (unsigned)rows[i].size_bytes);
			openmetrics_label(labels, LABEL_BYTES, "size", size);
			openmetrics_label(labels, LABEL_BYTES, "kind",
					  rows[i].alignment_only ? "aligned" : "plain");
			openmetrics_label(labels, LABEL_BYTES, "state", states[state]);
			openmetrics_sample(metrics, labels, bytes[state]);
		}
	}
}

static void write_classes(struct openmetrics *metrics,
			  const struct metric_source *sources, size_t count)
{
	static const struct row_metric kinds[] = {
		{ "live", offsetof(struct control_class, live) },
		{ "cached", offsetof(struct control_class, cached) },
		{ "in_transit", offsetof(struct control_class, in_transit) },
		{ "free", offsetof(struct control_class, free) },
	};

	openmetrics_family(metrics, "class_blocks", OPENMETRICS_GAUGE, NULL,
			   "Blocks of a size class, by where they are.");
	for (size_t i = 0; i < count; i++)
		if (sources[i].look)
			write_rows(metrics, &sources[i], &sources[i].look->classes,
				   "size", kinds, 4);
	openmetrics_family(metrics, "class_bytes", OPENMETRICS_GAUGE, "bytes",
			   "Blocks of a size class, in bytes: live, or free in slabs and caches.");
	for (size_t i = 0; i < count; i++)
		if (sources[i].look)
			write_class_bytes(metrics, &sources[i]);
}

static void write_nodes(struct openmetrics *metrics, const struct metric_source *sources,
			size_t count)
{
	static const struct row_metric kinds[] = {
		{ "opened", offsetof(struct control_node, opened_bytes) },
		{ "slabs", offsetof(struct control_node, slabs_bytes) },
		{ "live", offsetof(struct control_node, live_bytes) },
		{ "stock", offsetof(struct control_node, stock_bytes) },
		{ "misplaced", offsetof(struct control_node, misplaced_bytes) },
	};

	openmetrics_family(metrics, "node_bytes", OPENMETRICS_GAUGE, "bytes",
			   "Memory on a NUMA node, by what it is.");
	for (size_t i = 0; i < count; i++)
		if (sources[i].look)
			write_rows(metrics, &sources[i], &sources[i].look->nodes,
				   "node", kinds, 5);
}

void metric_list_write(struct openmetrics *metrics, struct metric_source *sources,
		       size_t count, bool with_classes)
{
	for (size_t i = 0; i < count; i++)
		label_target(sources[i].labels, sources[i].target);
	write_answers(metrics, sources, count);
	for (size_t i = 0; i < METRIC_COUNT; i++)
		write_ledger(metrics, &metrics_of_ledger[i], sources, count);
	write_age(metrics, sources, count);
	if (with_classes)
		write_classes(metrics, sources, count);
	write_nodes(metrics, sources, count);
	openmetrics_end(metrics);
}
