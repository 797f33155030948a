/* SPDX-License-Identifier: MIT */
/*
 * Where there is no liburing, or too old a one, hakmem is built all the same: no ring is opened and
 * nothing is queued, which sends what goes back by the next way, and the helper sleeps until it is
 * rung or its time is over.
 */
#include <liburing.h>

#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "kmod-free-helpers/event_loop.h"
#include "kmod-free-helpers/madvise_ring.h"

#include "tests/kernel/kernel_test.h"

#ifndef HAKMEM_RINGLESS_LIBURING_H
#error "the stand-in is not what is included"
#endif

#define MS 1000000ull

static struct event_doorbell doorbell;

static void *ring_later(void *nothing)
{
	nanosleep(&(struct timespec){ .tv_nsec = 20 * (long)MS }, NULL);
	event_loop_ring_always(&doorbell);
	return nothing;
}

static void no_memory_goes_by_a_ring(void)
{
	static struct madvise_ring ring;
	struct madvise_done done;
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int error = madvise_ring_open(&ring);

	expect(error == -ENOPKG, "%d", error);
	expect(!madvise_ring_queue(&ring, page, PAGE, MADV_DONTNEED, 1), "it was queued");
	expect(madvise_ring_submit(&ring) == 0, "there was something to submit");
	expect(!madvise_ring_collect(&ring, &done), "something was done");
}

static void the_helper_is_woken_by_bell_and_clock(void)
{
	struct event_loop loop;
	pthread_t thread;
	uint32_t happened;

	event_loop_open(&loop, &doorbell, true);
	expect(!loop.has_ring && loop.ring_error == -ENOPKG, "%d", loop.ring_error);
	expect(strstr(event_loop_why_no_ring(&loop), "built without"), "%s",
	       event_loop_why_no_ring(&loop));
	happened = event_loop_wait(&loop, 5 * MS, 1000 * MS);
	expect(happened == 0, "woken by %x", happened);
	expect(pthread_create(&thread, NULL, ring_later, NULL) == 0, "no thread");
	happened = event_loop_wait(&loop, 20000 * MS, 1000 * MS);
	expect(happened == EVENT_LOOP_DOORBELL, "woken by %x", happened);
	pthread_join(thread, NULL);
}

int main(void)
{
	no_memory_goes_by_a_ring();
	the_helper_is_woken_by_bell_and_clock();
	return 0;
}
