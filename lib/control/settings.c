/* SPDX-License-Identifier: MIT */
/*
 * settings.c - see settings.h. A counter is a field of the ledger; a knob is an option.
 */
#include <config.h>

#include "control/settings.h"

#include <string.h>

#include "back/helper_link.h"
#include "upkeep/placement.h"
#include "control/ledger.h"
#include "support/log.h"
#include "support/options.h"
#include "upkeep/profiling.h"

/* Its name is the field's, as in hakctl's JSON; the other one says what it belongs to. */
#define FIELD(alias, field, unit, flags, help) \
	{ #field, alias, offsetof(struct control_ledger, field), CONTROL_UNIT_##unit, flags, help }
#define ONLY_GROWS	CONTROL_CUMULATIVE

static const struct counter {
	const char *name;
	const char *alias;	/* that hak_ctl understands as well */
	size_t offset;
	uint16_t unit;
	uint16_t flags;
	const char *help;
} counters[] = {
	FIELD("live.asked_bytes", asked_bytes, BYTES, CONTROL_SAMPLED, "live, as asked for"),
	FIELD("live.asked_samples", asked_samples, COUNT, 0, "samples behind it"),
	FIELD("live.rounding_bytes", rounding_bytes, BYTES, CONTROL_SAMPLED,
	      "live blocks, beyond what was asked for"),
	FIELD("live.blocks_bytes", blocks_live_bytes, BYTES, 0, "live blocks in slabs"),
	FIELD("live.blocks", blocks_live_count, COUNT, 0, "live blocks in slabs"),
	FIELD("live.large_bytes", large_live_bytes, BYTES, 0, "live large blocks"),
	FIELD("live.large", large_live_count, COUNT, 0, "live large blocks"),
	FIELD("free.thread_caches_bytes", thread_caches_bytes, BYTES, 0, "blocks in bins"),
	FIELD("free.slabs_bytes", slabs_free_bytes, BYTES, 0, "in slabs, used before"),
	FIELD("free.untouched_bytes", slabs_untouched_bytes, BYTES, 0, "in slabs, never used"),
	FIELD("free.slab_tails_bytes", slab_tails_bytes, BYTES, 0,
	      "of slabs, behind the last block"),
	FIELD("free.in_transit_bytes", in_transit_bytes, BYTES, 0, "on their way home"),
	FIELD("free.units_bytes", units_free_bytes, BYTES, 0, "in no slab, may hold pages"),
	FIELD("free.units_clean_bytes", units_clean_bytes, BYTES, 0, "in no slab, without pages"),
	FIELD("free.large_dirty_bytes", large_free_dirty_bytes, BYTES, 0,
	      "of the large range, may hold pages"),
	FIELD("free.large_clean_bytes", large_free_clean_bytes, BYTES, 0,
	      "of the large range, without pages"),
	FIELD("slabs_bytes", slabs_bytes, BYTES, 0, "units in slabs"),
	FIELD("opened_bytes", opened_bytes, BYTES, 0, "heap that may be touched"),
	FIELD("reserved_bytes", reserved_bytes, BYTES, 0, "address space of the heap"),
	FIELD("metadata_bytes", metadata_bytes, BYTES, 0, "records, as the kernel says"),
	FIELD("populated_bytes", populated_bytes, BYTES, 0, "heap and records, as the kernel says"),
	FIELD("populated_huge_bytes", populated_huge_bytes, BYTES, 0, "of these in huge pages"),
	FIELD("rss_bytes", rss_bytes, BYTES, 0, "the process, as the kernel last said"),
	FIELD("populate.armed_bytes", armed_bytes, BYTES, 0,
	      "missing, and watched for stray accesses"),
	FIELD("populate.moved_bytes", moved_bytes, BYTES, ONLY_GROWS, "arrived by UFFDIO_MOVE"),
	FIELD("populate.copied_bytes", copied_bytes, BYTES, ONLY_GROWS, "arrived by UFFDIO_COPY"),
	FIELD("populate.touched_bytes", touched_bytes, BYTES, ONLY_GROWS, "touched by the helper"),
	FIELD("populate.dropped_bytes", dropped_bytes, BYTES, ONLY_GROWS, "given back untaken"),
	FIELD("populate.stock_bytes", stock_bytes, BYTES, 0, "populated, untaken"),
	FIELD("populate.brought_bytes", brought_bytes, BYTES, 0,
	      "came ahead of their use, not used"),
	FIELD("populate.ahead_bytes", taken_ahead_bytes, BYTES, ONLY_GROWS, "taken from the stock"),
	FIELD("populate.unarmed_bytes", taken_plain_bytes, BYTES, ONLY_GROWS,
	      "taken without pages"),
	FIELD("populate.strays", strays, COUNT, ONLY_GROWS, "touches of memory that is nobody's"),
	FIELD("release.queued_bytes", queued_bytes, BYTES, 0,
	      "free for the decay, will go back next"),
	FIELD("release.in_flight_bytes", releasing_bytes, BYTES, 0, "going back"),
	FIELD("release.bytes", released_bytes, BYTES, ONLY_GROWS, "given back"),
	FIELD("release.ring_bytes", released_ring_bytes, BYTES, ONLY_GROWS, "by io_uring"),
	FIELD("release.vector_bytes", released_vector_bytes, BYTES, ONLY_GROWS,
	      "by process_madvise"),
	FIELD("release.plain_bytes", released_call_bytes, BYTES, ONLY_GROWS, "by madvise"),
	FIELD("release.trimmed_bytes", released_trim_bytes, BYTES, ONLY_GROWS, "by malloc_trim"),
	FIELD("release.calls", release_calls, COUNT, ONLY_GROWS, "that gave something back"),
	FIELD("release.refused", release_failures, COUNT, ONLY_GROWS, "ranges that a way refused"),
	FIELD("application.memory_calls", application_calls, COUNT, ONLY_GROWS,
	      "memory system calls by the program's threads"),
	FIELD("application.waits", waits, COUNT, ONLY_GROWS,
	      "slow paths for memory that were timed"),
	FIELD("application.wait_p99_ns", wait_p99_ns, NS, 0, "99 in 100 took less"),
	FIELD("application.wait_max_ns", wait_max_ns, NS, 0, "the longest"),
	FIELD("application.refused", refused, COUNT, ONLY_GROWS, "allocations that failed"),
	FIELD("remote_frees", remote_frees, COUNT, ONLY_GROWS, "blocks sent home"),
	FIELD("numa.homes", homes, COUNT, 0, "nodes that memory may come from"),
	FIELD("numa.misplaced_bytes", misplaced_bytes, BYTES, 0,
	      "on another node, as last surveyed"),
	FIELD("numa.spilled_bytes", spilled_bytes, BYTES, ONLY_GROWS,
	      "out of another node's memory"),
	FIELD("numa.moved_bytes", misplaced_moved_bytes, BYTES, ONLY_GROWS, "brought home"),
	FIELD("pinned_bytes", pinned_bytes, BYTES, 0, "in caches that cannot be seized"),
	FIELD("helper.wakeups", helper_wakeups, COUNT, ONLY_GROWS, "rounds of the helper"),
	FIELD("helper.memory_calls", helper_calls, COUNT, ONLY_GROWS, "memory system calls by it"),
	FIELD("helper.lag_ns", helper_lag_ns, NS, 0, "how late it last woke"),
	FIELD("helper.lag_max_ns", helper_lag_max_ns, NS, 0, "how late it ever woke"),
	FIELD("limit_taken_bytes", limit_taken_bytes, BYTES, 0, "what counts against the limits"),
	FIELD("up_ns", up_ns, NS, ONLY_GROWS, "since the library was loaded"),
};

#define COUNTERS	((uint32_t)(sizeof(counters) / sizeof(counters[0])))

uint32_t settings_count(void)
{
	return COUNTERS + options_count();
}

uint32_t settings_find(const char *name)
{
	uint32_t i;

	for (i = 0; i < COUNTERS; i++)
		if (strcmp(counters[i].name, name) == 0 || strcmp(counters[i].alias, name) == 0)
			return i;
	for (i = 0; i < options_count(); i++)
		if (strcmp(options_name(i), name) == 0)
			return COUNTERS + i;
	return SETTINGS_NONE;
}

static void read_counter(const struct counter *counter, const struct control_ledger *ledger,
			 struct control_setting *setting)
{
	log_format_text(setting->name, sizeof(setting->name), "%s", counter->name);
	log_format_text(setting->help, sizeof(setting->help), "%s", counter->help);
	memcpy(&setting->value, (const char *)ledger + counter->offset, sizeof(setting->value));
	setting->unit = counter->unit;
	setting->flags = counter->flags;
}

static void read_option(uint32_t index, struct control_setting *setting)
{
	struct option_view view;

	options_view(index, &view);
	log_format_text(setting->name, sizeof(setting->name), "%s", options_name(index));
	log_format_text(setting->help, sizeof(setting->help), "%s", view.meaning);
	log_format_text(setting->text, sizeof(setting->text), "%s", view.text);
	log_format_text(setting->words, sizeof(setting->words), "%s", view.words);
	setting->value = view.value;
	setting->unit = view.unit == OPTION_WORD ? CONTROL_UNIT_WORD :
			view.unit == OPTION_MS	 ? CONTROL_UNIT_MS :
						   CONTROL_UNIT_BYTES;
	setting->flags = view.can_change ? CONTROL_SETTABLE : 0;
}

/* ledger: NULL to read one. */
static void read_setting(uint32_t index, struct control_ledger *ledger,
			 struct control_setting *setting)
{
	memset(setting, 0, sizeof(*setting));
	if (index < COUNTERS)
		read_counter(&counters[index], ledger, setting);
	else
		read_option(index - COUNTERS, setting);
}

void settings_read(uint32_t index, struct control_setting *setting)
{
	struct control_ledger ledger;

	/* Who asks for it alone wants to know it now. */
	if (index < COUNTERS &&
	    counters[index].offset == offsetof(struct control_ledger, misplaced_bytes))
		placement_survey();
	if (index < COUNTERS)
		ledger_read(&ledger);
	read_setting(index, &ledger, setting);
}

uint16_t settings_change(uint32_t index, const char *value, const char **cause)
{
	if (index < COUNTERS) {
		*cause = "a counter; it cannot be set";
		return CONTROL_NOT_ALLOWED;
	}
	switch (options_change(index - COUNTERS, value)) {
	case OPTION_CHANGED:
		/* The decay may have become shorter than its sleep. */
		helper_link_wake();
		if (strcmp(options_name(index - COUNTERS), "profile") == 0)
			*cause = profiling_follow();
		else
			*cause = NULL;
		return *cause ? CONTROL_NOT_SUPPORTED : 0;
	case OPTION_FIXED:
		*cause = "in force from the start of the process; it cannot be changed";
		return CONTROL_NOT_ALLOWED;
	case OPTION_BAD_VALUE:
		break;
	}
	*cause = options_expected(index - COUNTERS);
	return CONTROL_BAD_VALUE;
}

uint32_t settings_fill(void *rows, uint32_t first, uint32_t most)
{
	struct control_setting *row = rows;
	struct control_ledger ledger;
	uint32_t i;

	ledger_read(&ledger);
	for (i = 0; i < most && first + i < settings_count(); i++)
		read_setting(first + i, &ledger, &row[i]);
	return i;
}
