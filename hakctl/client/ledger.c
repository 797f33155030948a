/* SPDX-License-Identifier: MIT */
/* See ledger.h: the equation at struct control_ledger, in fewer and plainer words. */
#include <config.h>

#include "hakctl/client/ledger.h"

#include <stdarg.h>
#include <stdio.h>

struct sum {
	struct ledger_term *terms;
	size_t count;
	uint64_t bytes; /* wraps: a library may send anything */
};

static struct ledger_term *add(struct sum *sum, const char *name, const char *label,
			       uint64_t bytes)
{
	struct ledger_term *term = &sum->terms[sum->count++];

	*term = (struct ledger_term){
		.name = name, .label = label, .bytes = (int64_t)bytes, .is_shown = true
	};
	sum->bytes += bytes;
	return term;
}

__attribute__((format(printf, 2, 3))) static void note(struct ledger_term *term,
						       const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(term->note, sizeof(term->note), format, arguments);
	va_end(arguments);
}

static void note_share(struct ledger_term *term, uint64_t whole)
{
	if (whole)
		note(term, "%.1f %%", 100.0 * (double)term->bytes / (double)whole);
}

/* Before anything was sampled, what is live is known by its size classes alone. */
static void add_live(struct sum *sum, const struct control_ledger *ledger)
{
	uint64_t live = ledger->blocks_live_bytes + ledger->large_live_bytes;
	struct ledger_term *term;

	if (!ledger->asked_samples) {
		term = add(sum, "live_bytes", "live (as large as its classes)", live);
		note(term, "nothing sampled yet");
		return;
	}
	term = add(sum, "asked_bytes", "live (asked for)", ledger->asked_bytes);
	term->is_sampled = true;
	note(term, "sampled");
	term = add(sum, "rounding_bytes", "size-class rounding",
		   live - ledger->asked_bytes);
	term->is_sampled = true;
	note_share(term, live);
}

static void add_free(struct sum *sum, const struct control_ledger *ledger)
{
	uint64_t partly = ledger->slabs_free_bytes + ledger->slabs_untouched_bytes +
			  ledger->slab_tails_bytes;
	struct ledger_term *term;

	term = add(sum, "thread_caches_bytes", "free in thread caches",
		   ledger->thread_caches_bytes);
	note(term, "%u thread%s", (unsigned)ledger->threads,
	     ledger->threads == 1 ? "" : "s");
	term = add(sum, "partly_used_slabs_bytes", "free in partly used slabs", partly);
	note_share(term, ledger->slabs_bytes);
	term = add(sum, "in_transit_bytes", "freed elsewhere, on the way",
		   ledger->in_transit_bytes);
	term->is_shown = ledger->in_transit_bytes > 0;
	term = add(sum, "kept_bytes", "free and kept",
		   ledger->units_free_bytes + ledger->large_free_dirty_bytes);
	term->is_shown = term->bytes > 0;
}

uint64_t ledger_populated_age_ns(const struct control_ledger *ledger)
{
	if (!ledger->populated_ns)
		return UINT64_MAX;
	return (ledger->taken_ns > ledger->populated_ns ?
			ledger->taken_ns - ledger->populated_ns :
			0) +
	       ledger->populated_pass_ns;
}

uint64_t ledger_not_heap_bytes(const struct control_ledger *ledger)
{
	if (!ledger->populated_ns || ledger->populated_rss_bytes < ledger->populated_bytes)
		return UINT64_MAX;
	return ledger->populated_rss_bytes - ledger->populated_bytes;
}

size_t ledger_terms(const struct control_ledger *ledger,
		    struct ledger_term terms[LEDGER_MOST_TERMS])
{
	struct sum sum = { .terms = terms };
	int64_t untouched;
	struct ledger_term *term;

	add_live(&sum, ledger);
	add_free(&sum, ledger);
	term = add(&sum, "stock_bytes", "stock (populated, untaken)", ledger->stock_bytes);
	if (ledger->brought_bytes)
		note(term, "%.1f MiB brought ahead, unused",
		     (double)ledger->brought_bytes / (1 << 20));
	add(&sum, "queued_bytes", "queued for release",
	    ledger->queued_bytes + ledger->releasing_bytes);
	add(&sum, "metadata_bytes", "metadata", ledger->metadata_bytes);
	untouched = (int64_t)(ledger->populated_bytes - sum.bytes);
	term = add(&sum, "untouched_bytes", "not touched yet", (uint64_t)untouched);
	if (untouched > 0)
		term->label = "resident, in none of these";
	/* Where the kernel has not said it there is nothing to be told apart. */
	term->is_shown = untouched != 0 && ledger->populated_ns;
	if (ledger_populated_age_ns(ledger) >= LEDGER_AGE_NS) {
		term->label = "changed, or not touched";
		note(term, "since the kernel was asked");
	}
	return sum.count;
}

/* Bytes and counts; all are 64 bits wide. */
#define FIELD(field) offsetof(struct control_ledger, field)
static const size_t added[] = {
	FIELD(asked_bytes),	      FIELD(asked_samples),
	FIELD(rounding_bytes),	      FIELD(blocks_live_bytes),
	FIELD(blocks_live_count),     FIELD(large_live_bytes),
	FIELD(large_live_count),      FIELD(thread_caches_bytes),
	FIELD(thread_caches_count),   FIELD(slabs_free_bytes),
	FIELD(slabs_untouched_bytes), FIELD(slab_tails_bytes),
	FIELD(slabs_bytes),	      FIELD(in_transit_bytes),
	FIELD(units_free_bytes),      FIELD(units_clean_bytes),
	FIELD(stock_bytes),	      FIELD(brought_bytes),
	FIELD(queued_bytes),	      FIELD(releasing_bytes),
	FIELD(large_free_dirty_bytes), FIELD(large_free_clean_bytes),
	FIELD(metadata_bytes),	      FIELD(populated_bytes),
	FIELD(populated_huge_bytes),  FIELD(rss_bytes),
	FIELD(opened_bytes),	      FIELD(application_calls),
	FIELD(helper_calls),	      FIELD(released_bytes),
	FIELD(remote_frees),	      FIELD(strays),
	FIELD(refused),		      FIELD(pinned_bytes),
};

static uint64_t *field_of(struct control_ledger *ledger, size_t offset)
{
	return (uint64_t *)(void *)((char *)ledger + offset);
}

void ledger_add(struct control_ledger *total, const struct control_ledger *ledger)
{
	struct control_ledger copy = *ledger;
	uint64_t age_ns = ledger_populated_age_ns(ledger);

	for (size_t i = 0; i < sizeof(added) / sizeof(added[0]); i++)
		*field_of(total, added[i]) += *field_of(&copy, added[i]);
	total->threads += ledger->threads;
	/* Of a heap that has nothing yet the kernel need not be asked. */
	if (age_ns == UINT64_MAX)
		return;
	total->populated_ns = total->taken_ns = 1;
	if (total->populated_pass_ns < age_ns)
		total->populated_pass_ns = age_ns;
}
