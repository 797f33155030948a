/* SPDX-License-Identifier: MIT */
/*
 * table_memory.h - where the tables of a profile lie: mapped when the first one begins, zero, and
 * never given back, so that whoever sees them may read them.
 */
#ifndef HAKMEM_PROFILE_TABLE_MEMORY_H
#define HAKMEM_PROFILE_TABLE_MEMORY_H

#include <sys/mman.h>

#include "support/system_call.h"

/* NULL: no memory. */
static inline void *table_memory_map(size_t bytes)
{
	long place = system_call(SYS_mmap, NULL, bytes, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0ul);

	return system_call_failed(place) ? NULL : (void *)place;
}

#endif
