/* SPDX-License-Identifier: MIT */
/*
 * release.c - see release.h.
 */
#include <config.h>

#include "back/release.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include <kmod-free-helpers/madvise_ring.h>
#include <kmod-free-helpers/madvise_vector.h>

#include "os/kernel_abi.h"
#include "os/vm.h"
#include "support/options.h"

_Static_assert(RELEASE_QUEUED_MOST == MADVISE_RING_ENTRIES, "each has a tag");
_Static_assert(RELEASE_SPANS_MOST <= MADVISE_VECTOR_MOST, "one call takes them");

/* The helper's alone, but for left_out (before the helper starts) and counts. */
static struct {
	struct madvise_ring ring;
	struct madvise_vector vector;
	struct release_span queued[RELEASE_QUEUED_MOST];	/* by tag */
} ways = { .vector = { .process = -1 } };

static _Atomic unsigned left_out;	/* relaxed */
static struct {
	_Atomic size_t ring, vector, plain, refused, in_flight, trimmed, calls;
} counts;

static void release_count(_Atomic size_t *counter, size_t bytes)
{
	atomic_fetch_add_explicit(counter, bytes, memory_order_relaxed);
}

static bool may(enum release_way way)
{
	return !(atomic_load_explicit(&left_out, memory_order_relaxed) & way);
}

static bool drop(void *start, size_t bytes)
{
	if (vm_drop(start, bytes)) {
		release_count(&counts.refused, 1);
		return false;
	}
	release_count(&counts.plain, bytes);
	release_count(&counts.calls, 1);
	return true;
}

bool release_range(void *start, size_t bytes)
{
	bool released = drop(start, bytes);

	if (released)
		release_count(&counts.trimmed, bytes);
	return released;
}

void release_begin(bool use_ring)
{
	static const unsigned char others[] = {
		[RELEASE_BY_AUTO] = 0,
		[RELEASE_BY_RING] = RELEASE_VECTOR,
		[RELEASE_BY_VECTOR] = RELEASE_RING,
		[RELEASE_BY_PLAIN] = RELEASE_RING | RELEASE_VECTOR,
	};

	release_leave_out(others[options.release_by]);
	if (use_ring && may(RELEASE_RING) && madvise_ring_open(&ways.ring))
		release_count(&counts.refused, 1);
	if (use_ring && may(RELEASE_VECTOR) && madvise_vector_open(&ways.vector))
		release_count(&counts.refused, 1);
}

bool release_has_ring(void)
{
	return ways.ring.is_open && may(RELEASE_RING);
}

bool release_queue(void *start, size_t bytes, uint32_t tag)
{
	if (!may(RELEASE_RING) ||
	    !madvise_ring_queue(&ways.ring, start, bytes, MADV_DONTNEED, tag))
		return false;
	ways.queued[tag] = (struct release_span){ start, bytes };
	release_count(&counts.in_flight, bytes);
	return true;
}

void release_submit(void)
{
	/* Refused for the moment (no memory for requests): what is queued goes with the next. */
	if (madvise_ring_submit(&ways.ring))
		release_count(&counts.refused, 1);
}

bool release_collect(uint32_t *tag, bool *released)
{
	struct madvise_done done;
	struct release_span span;

	if (!madvise_ring_collect(&ways.ring, &done))
		return false;
	span = ways.queued[done.tag];
	atomic_fetch_sub_explicit(&counts.in_flight, span.bytes, memory_order_relaxed);
	if (!done.error) {
		release_count(&counts.ring, span.bytes);
		release_count(&counts.calls, 1);
	} else {
		/* No worker, a locked range, a ring in ruins: the caller's own call knows more. */
		release_count(&counts.refused, 1);
		if (done.error == -ECANCELED || done.error == -EPERM)
			release_leave_out(RELEASE_RING);
	}
	*tag = done.tag;
	*released = !done.error || drop(span.start, span.bytes);
	return true;
}

/*
 * Cold advice about one page of a huge page splits it; about small pages it changes little,
 * and these are dropped next. A kernel that refuses keeps the huge page until it wants it.
 */
static void split(const struct iovec *ranges, unsigned count_of)
{
	struct iovec pages[RELEASE_SPANS_MOST];
	size_t page = vm_page_size();
	unsigned i;

	for (i = 0; i < count_of; i++)
		pages[i] = (struct iovec){ ranges[i].iov_base, page };
	if (ways.vector.process >= 0 && may(RELEASE_VECTOR) &&
	    madvise_vector_call(&ways.vector, pages, count_of, MADV_COLD) == (int)count_of)
		return;
	for (i = 0; i < count_of; i++)
		vm_cool(pages[i].iov_base, page);
}

void release_split_ends(struct release_span span)
{
	size_t page = vm_page_size(), huge = vm_huge_page_bytes();

	if ((uintptr_t)span.start & (huge - 1))
		vm_cool(span.start, page);
	if ((uintptr_t)(span.start + span.bytes) & (huge - 1))
		vm_cool(span.start + span.bytes - page, page);
}

/* Returns how many went, from the first on. */
static unsigned drop_by_vector(const struct iovec *ranges, unsigned count_of)
{
	int done, i;

	if (ways.vector.process < 0 || !may(RELEASE_VECTOR))
		return 0;
	done = madvise_vector_call(&ways.vector, ranges, count_of, MADV_DONTNEED);
	if (done < (int)count_of)
		release_count(&counts.refused, 1);
	release_count(&counts.calls, done > 0);
	for (i = 0; i < done; i++)
		release_count(&counts.vector, ranges[i].iov_len);
	return done > 0 ? (unsigned)done : 0;
}

uint32_t release_spans(const struct release_span *spans, unsigned count_of, bool parts)
{
	struct iovec ranges[RELEASE_SPANS_MOST];
	uint32_t released;
	unsigned i;

	for (i = 0; i < count_of; i++)
		ranges[i] = (struct iovec){ spans[i].start, spans[i].bytes };
	if (parts)
		split(ranges, count_of);
	i = drop_by_vector(ranges, count_of);
	released = (uint32_t)(((uint64_t)1 << i) - 1);
	for (; i < count_of; i++)
		if (drop(spans[i].start, spans[i].bytes))
			released |= (uint32_t)1 << i;
	return released;
}

void release_leave_out(unsigned ways_left_out)
{
	atomic_fetch_or_explicit(&left_out, ways_left_out, memory_order_relaxed);
}

void release_forget(void)
{
	ways.ring = (struct madvise_ring){ .is_open = false };
	ways.vector.process = -1;
	atomic_store_explicit(&counts.in_flight, 0, memory_order_relaxed);
}

void release_read(struct release_counts *read)
{
	read->ring = atomic_load_explicit(&counts.ring, memory_order_relaxed);
	read->vector = atomic_load_explicit(&counts.vector, memory_order_relaxed);
	read->plain = atomic_load_explicit(&counts.plain, memory_order_relaxed);
	read->refused = atomic_load_explicit(&counts.refused, memory_order_relaxed);
	read->in_flight = atomic_load_explicit(&counts.in_flight, memory_order_relaxed);
	read->calls = atomic_load_explicit(&counts.calls, memory_order_relaxed);
	read->trimmed = atomic_load_explicit(&counts.trimmed, memory_order_relaxed);
}
