/* SPDX-License-Identifier: MIT */
/*
 * Quantities as people read them, and back. The texts come by value, to be used inside one
 * expression: printf("%s", units_bytes(n).text).
 */
#ifndef HAKCTL_OUTPUT_UNITS_H
#define HAKCTL_OUTPUT_UNITS_H

#include <stdbool.h>
#include <stdint.h>

struct units_text {
	char text[32];
};

/* "576.0 KiB", "2.0 TiB": for a value by itself. */
struct units_text units_size(uint64_t bytes);
/* "2306.7 MiB": one unit for a column that is to be added up. */
struct units_text units_mebibytes(uint64_t bytes);
/* "84.0M", "2.3G", "0": the unit that fits, five or six characters. */
struct units_text units_bytes(uint64_t bytes);
/* "950", "12.3k", "4.1M": events, in thousands. */
struct units_text units_count(double count);
/* "3.8 %"; "-" of nothing. */
struct units_text units_percent(uint64_t part, uint64_t whole);
/* "3d04h", "4h07m", "12m30s", "45s". */
struct units_text units_duration(uint64_t seconds);
/* "0 µs", "14 µs", "3.2 ms", "1.5 s". */
struct units_text units_nanoseconds(uint64_t ns);

/* "512M", "1.5GiB", "4096"; false: not a size, or above 2^63. */
bool units_parse_bytes(const char *text, uint64_t *bytes);
/* "2", "0.5", "500ms", "10s", "5m", "1h"; false: not a time, or over a year. */
bool units_parse_seconds(const char *text, double *seconds);

#endif
