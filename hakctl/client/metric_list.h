/* SPDX-License-Identifier: MIT */
/*
 * The numbers of the ledger, in one table: their names in JSON and in metrics, what they
 * count, and what that means. A number that the library learns to tell is one more line.
 */
#ifndef HAKCTL_CLIENT_METRIC_LIST_H
#define HAKCTL_CLIENT_METRIC_LIST_H

#include <stddef.h>

#include "hakctl/client/json_output.h"
#include "hakctl/client/look.h"
#include "hakctl/output/openmetrics.h"

/* Adds every number of the ledger to an object, as "live_bytes": 4096. */
void metric_list_to_json(const struct control_ledger *ledger, struct json_object *object);

enum { METRIC_LIST_LABELS = 512 };

/* One target and its look; look NULL: it could not be asked, and only its absence is told. */
struct metric_source {
	const struct target *target;
	const struct look *look;
	char labels[METRIC_LIST_LABELS]; /* of all its series; metric_list_write finds them */
};

/*
 * Every family, with the samples of all sources, and the end mark; classes only where they are
 * wanted.
 */
void metric_list_write(struct openmetrics *metrics, struct metric_source *sources,
		       size_t count, bool with_classes);

#endif
