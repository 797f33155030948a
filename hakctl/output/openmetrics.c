/* SPDX-License-Identifier: MIT */
/* See openmetrics.h; metric_list.c knows what there is to be written. */
#include <config.h>

#include "hakctl/output/openmetrics.h"

#include <inttypes.h>
#include <string.h>

#define PREFIX "hakmem_"

static const char *suffix(const struct openmetrics *metrics)
{
	return metrics->type == OPENMETRICS_COUNTER ? "_total" :
	       metrics->type == OPENMETRICS_INFO    ? "_info" :
						      "";
}

void openmetrics_family(struct openmetrics *metrics, const char *name,
			enum openmetrics_type type, const char *unit, const char *help)
{
	static const char *const types[] = { "gauge", "counter", "info" };
	const char *end;

	metrics->name = name;
	metrics->type = type;
	/* An info is a gauge that is always 1 to those who do not know infos. */
	end = metrics->is_classic ? suffix(metrics) : "";
	fprintf(metrics->out, "# TYPE " PREFIX "%s%s %s\n", name, end,
		metrics->is_classic && type == OPENMETRICS_INFO ? "gauge" : types[type]);
	if (unit && !metrics->is_classic)
		fprintf(metrics->out, "# UNIT " PREFIX "%s %s\n", name, unit);
	fprintf(metrics->out, "# HELP " PREFIX "%s%s %s\n", name, end, help);
}

void openmetrics_sample(struct openmetrics *metrics, const char *labels, uint64_t value)
{
	fprintf(metrics->out, PREFIX "%s%s{%s} %" PRIu64 "\n", metrics->name,
		suffix(metrics), labels, value);
}

void openmetrics_seconds(struct openmetrics *metrics, const char *labels, uint64_t ns)
{
	fprintf(metrics->out, PREFIX "%s%s{%s} %" PRIu64 ".%09" PRIu64 "\n",
		metrics->name, suffix(metrics), labels, ns / 1000000000, ns % 1000000000);
}

void openmetrics_end(struct openmetrics *metrics)
{
	if (!metrics->is_classic)
		fputs("# EOF\n", metrics->out);
}

void openmetrics_label(char *labels, size_t bytes, const char *name, const char *value)
{
	size_t length = strlen(labels);

	length += (size_t)snprintf(labels + length, bytes - length, "%s%s=\"",
				   length ? "," : "", name);
	for (; *value && length + 4 < bytes; value++) {
		if (*value == '"' || *value == '\\')
			labels[length++] = '\\';
		/* Values are UTF-8; a name that is not need not be right to the letter. */
		labels[length++] = *value >= ' ' && *value <= '~' ? *value : '?';
	}
	if (length + 1 < bytes)
		labels[length++] = '"';
	labels[length] = '\0';
}
