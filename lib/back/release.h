/* SPDX-License-Identifier: MIT */
/*
 * release.h - how memory goes back: ranges in, nothing about slabs or blocks. Three ways, by
 * what the kernel allows: requests to its workers through io_uring, one call for many
 * ranges, one call a range. What one refuses goes to the next.
 *
 * Who may run with whom: release_range anyone; release_read anyone; the rest the helper alone.
 * The caller sees to it that nobody uses a range meanwhile.
 */
#ifndef HAKMEM_BACK_RELEASE_H
#define HAKMEM_BACK_RELEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct release_span {
	char *start;
	size_t bytes;
};

#define RELEASE_SPANS_MOST	32	/* in one call of release_spans */
#define RELEASE_QUEUED_MOST	16	/* tags are below it */

/* Ways to leave out: bits. */
enum release_way { RELEASE_RING = 1, RELEASE_VECTOR = 2 };

/*
 * Gives the pages of a range back; the next touch finds zeroes. False: the kernel refused,
 * the contents are as before.
 */
bool release_range(void *start, size_t bytes);

/* Opens what there is of what release_by allows. use_ring false: a filter might kill for trying. */
void release_begin(bool use_ring);
bool release_has_ring(void);

/* False: not this way, or not now. True: release_collect tells what became of it. */
bool release_queue(void *start, size_t bytes, uint32_t tag);
void release_submit(void);
/* False: nothing has ended. *released false: its contents are as before. */
bool release_collect(uint32_t *tag, bool *released);

/*
 * Several at once, before it returns. parts: of what may be huge pages; those are split
 * first, for a huge page is not free before all of it is. Returns a bit a span that went.
 */
uint32_t release_spans(const struct release_span *spans, unsigned count, bool parts);

/* Splits the huge pages that a range begins and ends in the middle of. */
void release_split_ends(struct release_span span);

void release_leave_out(unsigned ways);

/* In a fork's child: the descriptors are the parent's. */
void release_forget(void);

/* Bytes since the start, and now. Relaxed. */
struct release_counts {
	size_t ring, vector, plain;	/* by which way they went */
	size_t refused;			/* ranges that a way refused, not bytes */
	size_t in_flight;		/* with the kernel's workers */
	size_t calls;			/* that gave something back; a request to the ring is one */
	size_t trimmed;			/* of plain, by application threads: malloc_trim */
};

void release_read(struct release_counts *counts);

#endif
