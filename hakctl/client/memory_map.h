/* SPDX-License-Identifier: MIT */
/*
 * What the kernel says of the heap's address ranges in another process: mappings with their
 * resident and huge parts (smaps), and pages one by one (pagemap). Asking costs the target
 * nothing but its mmap lock, for reading.
 */
#ifndef HAKCTL_CLIENT_MEMORY_MAP_H
#define HAKCTL_CLIENT_MEMORY_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hakctl/output/failure.h"
#include "hakctl/client/process.h"

struct memory_range {
	uint64_t start, end;
	uint64_t rss_bytes, huge_bytes; /* resident; of that in huge pages */
	bool is_writable;		/* opened */
	bool wants_huge;		/* MADV_HUGEPAGE */
};

struct memory_map {
	struct memory_range *ranges;
	size_t count, room;
	uint64_t rss_bytes; /* of all mappings, those outside the range too */
};

/* The mappings between start and end. */
bool memory_map_read(const struct process *process, uint64_t start, uint64_t end,
		     struct memory_map *map, struct failure *failure);
void memory_map_free(struct memory_map *map);

/*
 * Calls visit for each run of present pages between start and end; huge: mapped by a huge
 * page. By PAGEMAP_SCAN (Linux 6.7); false with errno set where the kernel has it not.
 */
bool memory_map_scan(const struct process *process, uint64_t start, uint64_t end,
		     void (*visit)(uint64_t start, uint64_t end, bool huge,
				   void *argument),
		     void *argument);

/*
 * Written since: soft-dirty bits. begin clears them, for the whole process; scan visits the
 * runs of pages written since then. False with errno: ENOTSUP if the kernel has no such bits
 * (CONFIG_MEM_SOFT_DIRTY).
 */
bool memory_map_begin_dirty(const struct process *process);
bool memory_map_scan_dirty(const struct process *process, uint64_t start, uint64_t end,
			   void (*visit)(uint64_t start, uint64_t end, bool huge,
					 void *argument),
			   void *argument);

/*
 * For ranges under asynchronous write-protection: protects the pages that are there; visits
 * the runs of those written to since.
 */
bool memory_map_protect(const struct process *process, uint64_t start, uint64_t end);
bool memory_map_scan_written(const struct process *process, uint64_t start, uint64_t end,
			     void (*visit)(uint64_t start, uint64_t end, bool huge,
					   void *argument),
			     void *argument);

#endif
