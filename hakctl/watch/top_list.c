/* SPDX-License-Identifier: MIT */
/* See top_list.h; top.c calls it, top_overview.c draws the lines. */
#include <config.h>

#include "hakctl/watch/top_list.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hakctl/client/ledger.h"
#include "hakctl/client/patience.h"
#include "hakctl/output/message.h"

/* One that does not answer costs this much, and then for a while nothing. */
enum { PATIENCE_MS = 100, LOOKS_LEFT_OUT = 20 };

static struct top_row *find_row(const struct top_list *list, const struct process *process)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct process *known = &list->rows[i]->target.process;

		if (known->pid == process->pid && known->start_time == process->start_time)
			return list->rows[i];
	}
	return NULL;
}

static struct top_row *add_row(struct top_list *list, const struct target *target)
{
	struct top_row *row = calloc(1, sizeof(*row));
	const struct passwd *entry = getpwuid(target->process.user);

	list->rows = realloc(list->rows, (list->count + 1) * sizeof(*list->rows));
	if (!row || !list->rows)
		message_out_of_memory();
	list->rows[list->count++] = row;
	if (entry)
		snprintf(row->user, sizeof(row->user), "%.15s", entry->pw_name);
	else
		snprintf(row->user, sizeof(row->user), "%u", (unsigned)target->process.user);
	process_find_group(&target->process, row->group);
	return row;
}

/* In what way it is asked may change: a helper starts, a signal stops it. */
static void take_target(struct top_list *list, const struct target *target)
{
	struct top_row *row = find_row(list, &target->process);

	if (!row)
		row = add_row(list, target);
	row->target = *target;
	row->is_found = true;
	row->is_gone = false;
	process_find_title(&target->process, row->title);
}

void top_list_search(struct top_list *list, const struct top_row *keep)
{
	struct target_list found = { .targets = NULL };
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++)
		list->rows[i]->is_found = false;
	if (list->words)
		target_list_find_now(&found, list->words);
	else
		target_list_all(&found);
	for (size_t i = 0; i < found.count; i++)
		take_target(list, &found.targets[i]);
	target_list_free(&found);
	list->line_count = 0;
	for (size_t i = 0; i < list->count; i++) {
		struct top_row *row = list->rows[i];

		row->is_gone |= !row->is_found;
		if (row->is_found || row == keep)
			list->rows[kept++] = row;
		else
			free(row);
	}
	list->count = kept;
}

/* What was never touched costs nothing. */
static uint64_t lost_bytes(const struct control_ledger *ledger)
{
	return ledger->slabs_free_bytes + ledger->thread_caches_bytes;
}

static void take_values(struct top_row *row)
{
	double *values = row->values;

	values[TOP_PID] = row->target.process.pid;
	values[TOP_RSS] = (double)row->target.process.rss_bytes;
	values[TOP_LIVE] = (double)look_live_bytes(&row->ledger);
	values[TOP_POPULATED] = (double)row->ledger.populated_bytes;
	values[TOP_LOST] = (double)lost_bytes(&row->ledger);
	values[TOP_GROWTH] = row->rates.live;
	values[TOP_RELEASED] = row->rates.released;
	values[TOP_CALLS] = row->rates.application_calls;
}

static void look_at(struct top_row *row)
{
	struct failure failure = { .is_timeout = false };
	struct look look;
	bool is_done;

	if (!target_is_there(&row->target)) {
		row->is_gone = true;
		return;
	}
	if (row->looks_left_out) {
		row->looks_left_out--;
		return;
	}
	row->why[0] = '\0';
	/* Keys are waiting, and all the others. */
	patience_set(PATIENCE_MS);
	is_done = look_take(&row->target, 0, &look, &failure);
	patience_set(0);
	if (!is_done ? failure.is_timeout : look.from_outside && row->target.state == TARGET_READY)
		row->looks_left_out = LOOKS_LEFT_OUT;
	if (is_done) {
		row->rates = row->is_known ? rates_between(&row->ledger, &look.ledger) :
					     (struct rates){ .seconds = 0 };
		row->ledger = look.ledger;
		row->is_known = true;
		if (look.from_outside)
			snprintf(row->why, sizeof(row->why), "%s", look.why_outside);
		look_free(&look);
	} else {
		snprintf(row->why, sizeof(row->why), "%.255s", failure.text);
	}
	take_values(row);
	history_add(&row->rss, row->target.process.rss_bytes);
	history_add(&row->live, look_live_bytes(&row->ledger));
}

void top_list_look(struct top_list *list)
{
	list->total = (struct control_ledger){ .taken_ns = 0 };
	list->rss_bytes = 0;
	for (size_t i = 0; i < list->count; i++) {
		struct top_row *row = list->rows[i];

		if (row->is_gone)
			continue;
		look_at(row);
		list->rss_bytes += row->target.process.rss_bytes;
		if (row->is_known)
			ledger_add(&list->total, &row->ledger);
	}
	history_add(&list->rss, list->rss_bytes);
	history_add(&list->live, look_live_bytes(&list->total));
}

void top_list_free(struct top_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->rows[i]);
	free(list->rows);
	free(list->lines);
	*list = (struct top_list){ .rows = NULL };
}
