/* SPDX-License-Identifier: MIT */
/*
 * mallctl_places.h - experimental.utilization.*: how full the slab is that a block lies in. The
 * arguments are those of mallctl(3).
 */
#ifndef HAKMEM_JEMALLOC_MALLCTL_PLACES_H
#define HAKMEM_JEMALLOC_MALLCTL_PLACES_H

#include <stddef.h>

/* Of one address, with the sums of its class. */
int mallctl_places_query(void *old, size_t *old_bytes, const void *value, size_t bytes);
/* Of an array of addresses: three numbers each. */
int mallctl_places_query_all(void *old, size_t *old_bytes, const void *value, size_t bytes);

#endif
