/* SPDX-License-Identifier: MIT */
/*
 * openings.c - when threads open address space at once, does each get what it needs, is nothing
 * given twice, and does the span cover everything after all?
 */
#include <config.h>

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "back/reservation.h"
#include "back/superslab_record.h"
#include "os/vm.h"

#include "tests/unit/unit.h"

#define OPENERS	   8
#define OPENINGS   12
#define MANY_OPENERS 150
#define CHUNKS_MAX (OPENERS * OPENINGS + 200)

/* The linker puts this in the place of vm_open (--wrap), so that a test can refuse it. */
int __real_vm_open(void *start, size_t bytes);
int __wrap_vm_open(void *start, size_t bytes);

static _Atomic unsigned calls;
static size_t most_bytes = SIZE_MAX; /* more are refused */
static unsigned refused_percent;
static bool slow;	     /* so that openings overlap */
static bool very_slow;	     /* so that they do for long */
static void *gate_starts[2]; /* calls for these wait at their gates */
static sem_t gates[2];

int __wrap_vm_open(void *start, size_t bytes)
{
	unsigned call = atomic_fetch_add(&calls, 1) + 1;

	if (start == gate_starts[0])
		sem_wait(&gates[0]);
	if (start == gate_starts[1])
		sem_wait(&gates[1]);
	if (very_slow && bytes >= SUPERSLAB_SIZE)
		usleep(200000);
	if (slow)
		usleep(1 + call * 37 % 300);
	if (bytes > most_bytes || (call * 2654435761u >> 16) % 100 < refused_percent)
		return -ENOMEM;
	return __real_vm_open(start, bytes);
}

static char nobody;

static void set_up(void)
{
	size_class_init();
}

static void init(void)
{
	ck_assert_int_eq(reservation_init(&nobody), 0);
}

static void check_chunk(struct chunk chunk)
{
	uint32_t unit;

	ck_assert_uint_eq(chunk.first_unit % SUPERSLAB_UNITS, 0);
	ck_assert_uint_eq(chunk.units % SUPERSLAB_UNITS, 0);
	for (unit = chunk.first_unit; unit < chunk.first_unit + chunk.units; unit++) {
		ck_assert(reservation_unit_is_open(unit));
		ck_assert_ptr_eq(reservation.bin_of_unit[unit], &nobody);
	}
	unit_fill(superslab_unit_record(chunk.first_unit), UNIT_RECORD_BYTES, 0);
	unit_fill(reservation_unit_start(chunk.first_unit), UNIT_SIZE, 1);
	unit_fill(reservation_unit_start(chunk.first_unit + chunk.units - 1), UNIT_SIZE,
		  2);
}

static struct chunk chunks[CHUNKS_MAX];
static _Atomic unsigned chunk_count;

static bool open_one(uint32_t units, enum chunk_kind kind)
{
	struct chunk chunk;

	if (reservation_open(units, kind, 0, &chunk))
		return false;
	if (chunk.units) {
		ck_assert_uint_ge(chunk.units, units);
		check_chunk(chunk);
		chunks[atomic_fetch_add(&chunk_count, 1)] = chunk;
	}
	return true;
}

static void open_some(unsigned number)
{
	unsigned i;

	for (i = 0; i < OPENINGS; i++)
		open_one(SUPERSLAB_UNITS * (1 + i % 3),
			 (number + i) % 2 ? CHUNK_LARGE : CHUNK_SLABS);
}

static int by_place(const void *a, const void *b)
{
	const struct chunk *left = a, *right = b;

	return left->first_unit < right->first_unit ?
		       -1 :
		       left->first_unit > right->first_unit;
}

/* _i: percent of refusals */
START_TEST(when_threads_open_at_once_the_span_ends_up_covering_everything)
{
	unsigned i;
	uint32_t end = 0;

	init();
	slow = true;
	refused_percent = (unsigned)_i;
	unit_threads(OPENERS, open_some);
	refused_percent = 0;
	if (_i == 0)
		ck_assert_uint_eq(reservation.span_steps * 16,
				  reservation_opened_bytes());
	/* What was refused is tried again before the frontier moves. */
	for (i = 0; i < 64 && reservation.span_steps * 16 != reservation_opened_bytes();
	     i++)
		ck_assert(open_one(SUPERSLAB_UNITS, CHUNK_SLABS));
	ck_assert_uint_eq(reservation.span_steps * 16, reservation_opened_bytes());
	qsort(chunks, chunk_count, sizeof(chunks[0]), by_place);
	for (i = 0; i < chunk_count; i++) {
		ck_assert_uint_eq(chunks[i].first_unit, end);
		end += chunks[i].units;
	}
	ck_assert_uint_eq((size_t)end << UNIT_SHIFT, reservation_opened_bytes());
}
END_TEST

static _Atomic unsigned given;

static void *open_one_beside_many(void *unused)
{
	atomic_fetch_add(&given, open_one(SUPERSLAB_UNITS, CHUNK_SLABS));
	return unused;
}

/* Each is in the kernel for longer than the others are willing to wait for it. */
START_TEST(whatever_number_of_threads_opens_at_once_each_gets_a_chunk)
{
	pthread_t threads[MANY_OPENERS];
	unsigned i;

	init();
	very_slow = true;
	for (i = 0; i < MANY_OPENERS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, open_one_beside_many, NULL), 0);
	for (i = 0; i < MANY_OPENERS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(given, MANY_OPENERS);
	ck_assert_uint_eq(reservation.span_steps * 16, reservation_opened_bytes());
}
END_TEST

#define FIRST_CHUNK SUPERSLAB_SIZE

static void wait_until_opened(size_t bytes)
{
	while (reservation_opened_bytes() < bytes)
		usleep(100);
}

/* The second is last to return; what was opened behind it waits for it, in an older place. */
static void open_one_behind_the_other(unsigned number)
{
	if (number == 0) {
		ck_assert(open_one(SUPERSLAB_UNITS, CHUNK_SLABS));
		return;
	}
	wait_until_opened(number * FIRST_CHUNK);
	if (number == 1) {
		ck_assert(open_one(SUPERSLAB_UNITS, CHUNK_LARGE));
		return;
	}
	sem_post(&gates[0]);
	while (!__atomic_load_n(&reservation.span_steps, __ATOMIC_ACQUIRE))
		usleep(100);
	ck_assert(open_one(SUPERSLAB_UNITS, CHUNK_SLABS));
	ck_assert_uint_eq(reservation.span_steps * 16, FIRST_CHUNK);
	sem_post(&gates[1]);
}

static void open_many_behind_the_other(unsigned number)
{
	unsigned i;

	if (number == 0) {
		ck_assert(open_one(SUPERSLAB_UNITS, CHUNK_SLABS));
		return;
	}
	wait_until_opened(FIRST_CHUNK);
	for (i = 0; i < MANY_OPENERS; i++)
		ck_assert(open_one(4 * GiB >> UNIT_SHIFT, CHUNK_LARGE));
	sem_post(&gates[0]);
}

START_TEST(any_number_of_chunks_may_wait_for_the_lowest)
{
	init();
	sem_init(&gates[0], 0, 0);
	gate_starts[0] = reservation_unit_start(0);
	unit_threads(2, open_many_behind_the_other);
	ck_assert_uint_eq(chunk_count, MANY_OPENERS + 1);
	ck_assert_uint_eq(reservation.span_steps * 16, reservation_opened_bytes());
}
END_TEST

/* The first is refused as a whole, after another has gone past it. */
static void open_what_is_refused(unsigned number)
{
	if (number == 1) {
		wait_until_opened(GiB + SUPERSLAB_SIZE);
		ck_assert(open_one(SUPERSLAB_UNITS, CHUNK_LARGE));
		most_bytes = 4 * MiB;
		sem_post(&gates[0]);
		sem_post(&gates[0]);
		return;
	}
	ck_assert(open_one(SUPERSLAB_UNITS, CHUNK_SLABS));
	ck_assert_uint_eq(chunks[2].first_unit, GiB >> UNIT_SHIFT);
	ck_assert_uint_eq(chunks[2].units, SUPERSLAB_UNITS);
}

START_TEST(what_is_refused_after_others_went_past_is_opened_as_asked_for)
{
	init();
	sem_init(&gates[0], 0, 0);
	ck_assert(open_one(GiB >> UNIT_SHIFT, CHUNK_LARGE));
	gate_starts[0] = reservation_unit_start(GiB >> UNIT_SHIFT);
	unit_threads(2, open_what_is_refused);
	ck_assert(open_one(3 * SUPERSLAB_UNITS, CHUNK_LARGE) == false);
	most_bytes = SIZE_MAX;
	ck_assert(open_one(3 * SUPERSLAB_UNITS, CHUNK_LARGE));
	ck_assert_uint_eq(chunks[3].first_unit, (GiB >> UNIT_SHIFT) + SUPERSLAB_UNITS);
	ck_assert_uint_eq(reservation.span_steps * 16, reservation_opened_bytes());
}
END_TEST

START_TEST(the_span_waits_for_the_lowest_and_then_passes_all)
{
	init();
	sem_init(&gates[0], 0, 0);
	sem_init(&gates[1], 0, 0);
	gate_starts[0] = reservation_unit_start(0);
	gate_starts[1] = reservation_unit_start(FIRST_CHUNK >> UNIT_SHIFT);
	unit_threads(3, open_one_behind_the_other);
	ck_assert_uint_eq(chunk_count, 3);
	ck_assert_uint_eq(reservation.span_steps * 16, reservation_opened_bytes());
}
END_TEST

/* The first does not return from the kernel until the second has what it needs. */
static void open_beside_the_other(unsigned number)
{
	if (number == 1)
		wait_until_opened(FIRST_CHUNK);
	ck_assert(open_one(SUPERSLAB_UNITS, CHUNK_SLABS));
	if (number == 1)
		sem_post(&gates[0]);
}

START_TEST(who_does_not_wait_any_longer_opens_no_more_than_it_needs)
{
	init();
	sem_init(&gates[0], 0, 0);
	gate_starts[0] = reservation_unit_start(0);
	unit_threads(2, open_beside_the_other);
	ck_assert_uint_eq(chunk_count, 2);
	ck_assert_uint_eq(reservation_opened_bytes(), FIRST_CHUNK + SUPERSLAB_SIZE);
	ck_assert_uint_eq(reservation.span_steps * 16, reservation_opened_bytes());
}
END_TEST

static void open_at_a_gate(unsigned number)
{
	struct chunk chunk;

	if (number == 0) {
		ck_assert(open_one(SUPERSLAB_UNITS, CHUNK_SLABS));
		return;
	}
	wait_until_opened(FIRST_CHUNK);
	if (number == 1) {
		ck_assert(open_one(SUPERSLAB_UNITS, CHUNK_LARGE));
		return;
	}
	wait_until_opened(2 * FIRST_CHUNK);
	frontier_lock();
	if (!fork()) {
		gate_starts[0] = gate_starts[1] = NULL;
		reservation_after_fork_in_child(true);
		frontier_unlock();
		while (reservation_opened_bytes() < GiB)
			if (reservation_open(SUPERSLAB_UNITS, CHUNK_SLABS, 0, &chunk))
				_exit(1);
		_exit(reservation.span_steps * 16 != reservation_opened_bytes());
	}
	frontier_unlock();
	sem_post(&gates[0]);
	sem_post(&gates[1]);
}

START_TEST(what_others_were_opening_at_a_fork_the_child_opens)
{
	int status;

	init();
	sem_init(&gates[0], 0, 0);
	sem_init(&gates[1], 0, 0);
	gate_starts[0] = reservation_unit_start(0);
	gate_starts[1] = reservation_unit_start(FIRST_CHUNK >> UNIT_SHIFT);
	unit_threads(3, open_at_a_gate);
	ck_assert_int_gt(wait(&status), 0);
	ck_assert_int_eq(status, 0);
}
END_TEST

int main(void)
{
	TCase *tcase = unit_begin_between("openings");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_loop_test(
		tcase, when_threads_open_at_once_the_span_ends_up_covering_everything, 0,
		50);
	tcase_add_test(tcase, whatever_number_of_threads_opens_at_once_each_gets_a_chunk);
	tcase_add_test(tcase, any_number_of_chunks_may_wait_for_the_lowest);
	tcase_add_test(tcase, what_is_refused_after_others_went_past_is_opened_as_asked_for);
	tcase_add_test(tcase, the_span_waits_for_the_lowest_and_then_passes_all);
	tcase_add_test(tcase, who_does_not_wait_any_longer_opens_no_more_than_it_needs);
	tcase_add_test(tcase, what_others_were_opening_at_a_fork_the_child_opens);
	return unit_end();
}
