/* SPDX-License-Identifier: MIT */
/*
 * What the kernel shows of this process in /proc/self: resident size, mappings,
 * descriptors, and the threads that are not the program's own. Never allocates: the
 * allocator under test shall not notice that it is being looked at.
 */
#ifndef BENCH_PROCESS_VIEW_H
#define BENCH_PROCESS_VIEW_H

#include <sys/types.h>

struct process_view_memory {
	unsigned long resident_kib;
	unsigned long huge_kib; /* the part of it that lies in huge pages */
	unsigned long private_dirty_kib; /* written, and shared with no other process */
};

/* Threads that the program has not made itself: an allocator's, and of hakmem's helper. */
struct process_view_others {
	unsigned int threads;
	unsigned long switches; /* times they have been scheduled out, so far */
};

/* Exact, unlike VmRSS; the kernel walks all page tables for it. */
struct process_view_memory process_view_memory(void);
unsigned int process_view_mappings(void);
unsigned int process_view_descriptors(void);
struct process_view_others process_view_others(const pid_t *own, unsigned int own_count);

/* hakmem's task beside this process; 0: none. */
pid_t process_view_helper(void);

#endif
