/* SPDX-License-Identifier: MIT */
/*
 * Text packed as gzip (RFC 1952, 1951): repetitions within 32 KiB, with the fixed codes. Metrics
 * are repetitions above all; no library is wanted for them.
 */
#ifndef HAKCTL_OUTPUT_GZIP_H
#define HAKCTL_OUTPUT_GZIP_H

#include <stddef.h>

/* malloc'd; its length in *packed_bytes. */
char *gzip_pack(const char *text, size_t bytes, size_t *packed_bytes);

#endif
