/* SPDX-License-Identifier: MIT */
/*
 * Writes OpenMetrics 1.0 or, for older readers such as `promtool check metrics`, Prometheus's
 * text format 0.0.4. The two differ in what a counter's family is called (without _total, or
 * with), in the line with the unit, and in the end mark. All samples of a family go
 * together, so a caller goes through its families first and its targets second.
 */
#ifndef HAKCTL_OUTPUT_OPENMETRICS_H
#define HAKCTL_OUTPUT_OPENMETRICS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum openmetrics_type { OPENMETRICS_GAUGE, OPENMETRICS_COUNTER, OPENMETRICS_INFO };

struct openmetrics {
	FILE *out;
	bool is_classic; /* Prometheus's text format */
	const char *name;
	enum openmetrics_type type;
};

/* unit: NULL, "bytes" or "seconds", with which the name ends. */
void openmetrics_family(struct openmetrics *metrics, const char *name,
			enum openmetrics_type type, const char *unit, const char *help);

/* labels: as openmetrics_label has written them. */
void openmetrics_sample(struct openmetrics *metrics, const char *labels, uint64_t value);
/* Nanoseconds as seconds. */
void openmetrics_seconds(struct openmetrics *metrics, const char *labels, uint64_t ns);

void openmetrics_end(struct openmetrics *metrics);

/* Appends NAME="value", escaped; labels holds `bytes`. Too long a value is cut. */
void openmetrics_label(char *labels, size_t bytes, const char *name, const char *value);

#endif
