/* SPDX-License-Identifier: MIT */
/*
 * The ring of requests alone: a full one refuses and loses nothing, requests that the kernel
 * cannot fulfil say so, and what is not on the ring is left alone.
 */
#include <config.h>

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <kmod-free-helpers/madvise_ring.h>

#include "tests/unit/unit.h"

#define RANGE_BYTES ((size_t)64 << 10)
#define ROOM_BYTES  ((MADVISE_RING_ENTRIES + 1) * RANGE_BYTES)

static struct madvise_ring ring;
static char *room;
static bool refused_here;

static void set_up(void)
{
	refused_here = madvise_ring_open(&ring) != 0;
	room = mmap(NULL, ROOM_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert(room != MAP_FAILED);
	memset(room, 1, ROOM_BYTES);
}

static unsigned collect_all(int error)
{
	struct madvise_done done;
	unsigned count = 0, waits;

	for (waits = 0; ring.in_flight && waits < 10000; waits++) {
		while (madvise_ring_collect(&ring, &done)) {
			ck_assert_int_eq(done.error, error);
			count++;
		}
		usleep(1000);
	}
	return count;
}

START_TEST(a_full_ring_refuses_and_loses_nothing)
{
	uint32_t i;

	if (refused_here)
		return;
	for (i = 0; i < MADVISE_RING_ENTRIES; i++)
		ck_assert(madvise_ring_queue(&ring, room + i * RANGE_BYTES, RANGE_BYTES,
					     MADV_DONTNEED, i));
	ck_assert(!madvise_ring_queue(&ring, room + i * RANGE_BYTES, RANGE_BYTES,
				      MADV_DONTNEED, i));
	ck_assert_int_eq(madvise_ring_submit(&ring), 0);
	ck_assert_uint_eq(collect_all(0), MADVISE_RING_ENTRIES);
	ck_assert(unit_is_zero(room, i * RANGE_BYTES));
	ck_assert_int_eq(room[i * RANGE_BYTES], 1);
}
END_TEST

START_TEST(what_the_kernel_cannot_do_is_said_and_changes_nothing)
{
	if (refused_here)
		return;
	ck_assert(madvise_ring_queue(&ring, room, RANGE_BYTES, 12345, 7));
	ck_assert_int_eq(madvise_ring_submit(&ring), 0);
	ck_assert_uint_eq(collect_all(-EINVAL), 1);
	ck_assert_int_eq(room[0], 1);
}
END_TEST

/* The submission fails: requests are handed back, and none is done later. */
START_TEST(a_ring_in_ruins_hands_its_requests_back)
{
	struct madvise_done done;
	int fd = ring.ring.enter_ring_fd;

	if (refused_here)
		return;
	ck_assert(madvise_ring_queue(&ring, room, RANGE_BYTES, MADV_DONTNEED, 3));
	ring.ring.enter_ring_fd = -1;
	ck_assert_int_lt(madvise_ring_submit(&ring), 0);
	ring.ring.enter_ring_fd = fd;
	ck_assert(madvise_ring_collect(&ring, &done));
	ck_assert_uint_eq(done.tag, 3);
	ck_assert_int_ne(done.error, 0);
	ck_assert(!madvise_ring_queue(&ring, room, RANGE_BYTES, MADV_DONTNEED, 4));
	ck_assert_uint_eq(ring.in_flight, 0);
	io_uring_submit(&ring.ring);
	usleep(10000);
	ck_assert_int_eq(room[0], 1);
}
END_TEST

/* By somebody who can: the program's debugger, the kernel when a worker cannot be had. */
static void cancel_all(void)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring.ring);

	ck_assert_ptr_nonnull(sqe);
	io_uring_prep_cancel64(sqe, 0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
	sqe->user_data = UINT64_MAX; /* as what was made harmless: collected by nobody */
	ck_assert_int_eq(io_uring_submit(&ring.ring), 1);
}

START_TEST(what_is_cancelled_is_said_once_and_what_is_not_is_done)
{
	struct madvise_done done;
	unsigned seen = 0, waits;

	if (refused_here)
		return;
	for (uint32_t i = 0; i < MADVISE_RING_ENTRIES; i++)
		ck_assert(madvise_ring_queue(&ring, room + i * RANGE_BYTES, RANGE_BYTES,
					     MADV_DONTNEED, i));
	ck_assert_int_eq(madvise_ring_submit(&ring), 0);
	cancel_all();
	for (waits = 0; ring.in_flight && waits < 10000; waits++) {
		while (madvise_ring_collect(&ring, &done)) {
			char *range = room + done.tag * RANGE_BYTES;

			ck_assert(!(seen & 1u << done.tag));
			seen |= 1u << done.tag;
			ck_assert(done.error == 0 || done.error == -ECANCELED);
			if (!done.error)
				ck_assert(unit_is_zero(range, RANGE_BYTES));
		}
		usleep(1000);
	}
	ck_assert_uint_eq(seen, (1u << MADVISE_RING_ENTRIES) - 1);
}
END_TEST

int main(void)
{
	TCase *tcase = unit_begin("ring");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, a_full_ring_refuses_and_loses_nothing);
	tcase_add_test(tcase, what_the_kernel_cannot_do_is_said_and_changes_nothing);
	tcase_add_test(tcase, what_is_cancelled_is_said_once_and_what_is_not_is_done);
	tcase_add_test(tcase, a_ring_in_ruins_hands_its_requests_back);
	return unit_end();
}
