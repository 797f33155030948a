/* SPDX-License-Identifier: MIT */
/* What is different between two looks at a process: as text, and as JSON. */
#ifndef HAKCTL_DIFF_REPORT_H
#define HAKCTL_DIFF_REPORT_H

#include "hakctl/client/json_output.h"
#include "hakctl/output/table.h"
#include "hakctl/watch/recording.h"

/* Of many: a row each. */
void diff_report_begin_summary(struct table *table);
void diff_report_summary(struct table *table, const struct recording_look *from,
			 const struct recording_look *to);
void diff_report_text(const struct recording_look *from, const struct recording_look *to);
struct json_object *diff_report_json(const struct recording_look *from,
				     const struct recording_look *to);

#endif
