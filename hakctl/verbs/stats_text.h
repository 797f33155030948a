/* SPDX-License-Identifier: MIT */
/* A look at a process as text for people, or as JSON. */
#ifndef HAKCTL_VERBS_STATS_TEXT_H
#define HAKCTL_VERBS_STATS_TEXT_H

#include "hakctl/client/json_output.h"
#include "hakctl/client/look.h"

void stats_text_ledger(const struct target *target, const struct look *look);
void stats_text_classes(const struct target *target, const struct look *look);
void stats_text_threads(const struct target *target, const struct look *look);
void stats_text_nodes(const struct target *target, const struct look *look);

/* Adds everything; rows: LOOK_CLASSES and so on, those that were asked for. */
void stats_text_to_json(const struct target *target, const struct look *look, unsigned rows,
			struct json_object *object);

/* Of several processes. */
struct stats_total {
	struct control_ledger ledger;
	uint64_t rss_bytes; /* what they share is in it several times */
	size_t processes;
};

void stats_text_add(struct stats_total *total, const struct target *target,
		    const struct look *look);
void stats_text_total(const struct stats_total *total);
struct json_object *stats_text_total_to_json(const struct stats_total *total);

/* "hakmem 1.0  pid 4121 (postgres)  up 3d04h  mode uffd+move,..." */
void stats_text_heading(const struct target *target, const struct look *look);

#endif
