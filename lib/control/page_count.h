/* SPDX-License-Identifier: MIT */
/*
 * page_count.h - how much of the heap has pages, as the kernel says it: in passes over the heap,
 * which the helper makes in steps between other work, once somebody has asked.
 *
 * Who may run with whom: page_count_ask the control thread alone; page_count_open and _go_on the
 * helper alone; page_count_read anyone with anyone.
 */
#ifndef HAKMEM_CONTROL_PAGE_COUNT_H
#define HAKMEM_CONTROL_PAGE_COUNT_H

#include <stdbool.h>
#include <stdint.h>

struct page_counts {
	uint64_t heap_bytes, huge_bytes;	/* which have pages; huge ones among them */
	uint64_t metadata_bytes;
	uint64_t asked_ns;	/* when; 0: never */
	uint64_t pass_ns;	/* how long that took */
	uint64_t resident_then_bytes;
};

/* Before the helper confines itself: opens what the kernel is asked by. */
void page_count_open(void);

/* Waits a while for a pass, unless the last one is fresh. */
void page_count_ask(void);

/* As the last pass found it. No system call. */
struct page_counts page_count_read(void);

/* Some megabytes of a pass that is wanted. True: there is more to do. */
bool page_count_go_on(void);

/* In a fork's child. */
void page_count_forget(void);

#endif
