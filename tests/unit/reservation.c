/* SPDX-License-Identifier: MIT */
/*
 * reservation.c - do chunks follow each other, does a refusal by the kernel cost no more than
 * that, and does the span cover everything after all?
 */
#include <config.h>

#include "back/reservation.h"

#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "back/large.h"
#include "back/superslab.h"
#include "os/vm.h"
#include "support/options.h"

#include "tests/unit/unit.h"

#define OPENERS	   8
#define OPENINGS   12
#define CHUNKS_MAX (OPENERS * OPENINGS + 200)

/* The linker puts this in the place of vm_open (--wrap), so that a test can refuse it. */
int __real_vm_open(void *start, size_t bytes);
int __wrap_vm_open(void *start, size_t bytes);

static _Atomic unsigned calls;
static unsigned refused_call;	     /* the one to refuse, from 1 on */
static size_t most_bytes = SIZE_MAX; /* more are refused */
static unsigned refused_percent;
static bool slow;	     /* so that openings overlap */
static void *gate_starts[2]; /* calls for these wait at their gates */
static sem_t gates[2];

int __wrap_vm_open(void *start, size_t bytes)
{
	unsigned call = atomic_fetch_add(&calls, 1) + 1;

	if (start == gate_starts[0])
		sem_wait(&gates[0]);
	if (start == gate_starts[1])
		sem_wait(&gates[1]);
	if (slow)
		usleep(1 + call * 37 % 300);
	if (call == refused_call || bytes > most_bytes ||
	    (call * 2654435761u >> 16) % 100 < refused_percent)
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

START_TEST(the_heap_lies_on_superslabs_behind_its_records)
{
	init();
	ck_assert_uint_eq(reservation.base % SUPERSLAB_SIZE, 0);
	ck_assert_uint_ge(reservation.bytes, 4 * GiB);
	ck_assert_uint_eq(reservation.bytes % SUPERSLAB_SIZE, 0);
	ck_assert(reservation.large_units >=
		  (char *)reservation.bin_of_unit +
			  (reservation.bytes >> UNIT_SHIFT) * sizeof(void *));
	ck_assert(reservation.base >=
		  (uintptr_t)reservation.large_units +
			  (reservation.bytes >> UNIT_SHIFT) * LARGE_RECORD_BYTES);
	ck_assert_uint_eq(reservation_opened_bytes(), 0);
	ck_assert(!reservation_unit_is_open(0));
}
END_TEST

START_TEST(chunks_follow_each_other_and_the_span_follows_them)
{
	struct chunk chunk;
	uint32_t end = 0, i;

	init();
	for (i = 0; i < 12; i++) {
		enum chunk_kind kind = i % 2 ? CHUNK_LARGE : CHUNK_SLABS;

		ck_assert_int_eq(reservation_open(SUPERSLAB_UNITS, kind, 0, &chunk), 0);
		ck_assert_uint_eq(chunk.first_unit, end);
		check_chunk(chunk);
		if (kind == CHUNK_LARGE)
			ck_assert(reservation_large_unit_is_open(chunk.first_unit));
		end += chunk.units;
		ck_assert_uint_eq(reservation_opened_bytes(), (size_t)end << UNIT_SHIFT);
		ck_assert_uint_eq(reservation.span_steps * 16, (size_t)end << UNIT_SHIFT);
	}
}
END_TEST

START_TEST(what_is_refused_as_a_whole_is_opened_as_asked_for)
{
	struct chunk chunk;

	init();
	most_bytes = 4 * MiB;
	ck_assert_int_eq(reservation_open(SUPERSLAB_UNITS, CHUNK_SLABS, 0, &chunk), 0);
	ck_assert_uint_eq(chunk.units, SUPERSLAB_UNITS);
	check_chunk(chunk);
	ck_assert_int_eq(reservation_open(2 * SUPERSLAB_UNITS, CHUNK_LARGE, 0, &chunk), 0);
	ck_assert_uint_eq(chunk.units, 2 * SUPERSLAB_UNITS);
	check_chunk(chunk);
}
END_TEST

START_TEST(a_refusal_moves_nothing_and_the_next_time_it_works)
{
	struct chunk chunk;
	int i;

	init();
	most_bytes = 0;
	for (i = 0; i < 100; i++)
		ck_assert_int_eq(reservation_open(SUPERSLAB_UNITS, CHUNK_SLABS, 0, &chunk),
				 -ENOMEM);
	ck_assert_uint_eq(reservation_opened_bytes(), 0);
	ck_assert_uint_eq(reservation.span_steps, 0);
	most_bytes = SIZE_MAX;
	ck_assert_int_eq(reservation_open(SUPERSLAB_UNITS, CHUNK_SLABS, 0, &chunk), 0);
	ck_assert_uint_eq(chunk.first_unit, 0);
	check_chunk(chunk);
}
END_TEST

START_TEST(more_than_the_address_space_is_refused)
{
	struct chunk chunk;
	uint32_t units = (uint32_t)(reservation.bytes >> UNIT_SHIFT);

	init();
	units = (uint32_t)(reservation.bytes >> UNIT_SHIFT);
	ck_assert_int_eq(reservation_open(units + SUPERSLAB_UNITS, CHUNK_SLABS, 0, &chunk),
			 -ENOMEM);
	ck_assert_uint_eq(reservation_opened_bytes(), 0);
}
END_TEST

/* _i: which call to the kernel is refused. Whatever it was for, only that one fails. */
START_TEST(any_single_refusal_is_got_over)
{
	size_t dirty_bytes;
	unsigned round, failed = 0;
	bool zeroed;

	init();
	refused_call = (unsigned)_i;
	for (round = 0; round < 4; round++) {
		uint32_t unit = superslab_take_slab(SUPERSLAB_UNITS, 1, 0, &zeroed);
		char *block = large_take(16 * MiB, UNIT_SIZE, &dirty_bytes);
		char *metadata = reservation_take_metadata(200 * KiB);

		failed += (unit == UNIT_NONE) + !block + !metadata;
		if (unit != UNIT_NONE)
			unit_fill(reservation_unit_start(unit), SUPERSLAB_SIZE, 1);
		if (block)
			unit_fill(block, 16 * MiB, 2);
		if (metadata)
			ck_assert(unit_is_zero(metadata, 200 * KiB));
	}
	ck_assert_uint_ge(atomic_load(&calls), refused_call);
	ck_assert_uint_le(failed, 1);
	ck_assert_uint_eq(reservation.span_steps * 16, reservation_opened_bytes());
}
END_TEST

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

#define FIRST_CHUNK (8 * MiB)

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
	wait_until_opened(number == 1 ? FIRST_CHUNK : 128 * MiB);
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
	wait_until_opened(128 * MiB);
	reservation_lock();
	if (!fork()) {
		gate_starts[0] = gate_starts[1] = NULL;
		reservation_after_fork_in_child();
		reservation_unlock();
		while (reservation_opened_bytes() < GiB)
			if (reservation_open(SUPERSLAB_UNITS, CHUNK_SLABS, 0, &chunk))
				_exit(1);
		_exit(reservation.span_steps * 16 != reservation_opened_bytes());
	}
	reservation_unlock();
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

#define PIECES 400

static char *pieces[4 * PIECES];

static void take_pieces(unsigned number)
{
	unsigned i;

	for (i = 0; i < PIECES; i++) {
		char *piece = reservation_take_metadata(1000 + i);

		ck_assert_ptr_nonnull(piece);
		ck_assert_uint_eq((uintptr_t)piece % 64, 0);
		ck_assert(unit_is_zero(piece, 1000 + i));
		memset(piece, (int)number + 1, 1000 + i);
		pieces[number * PIECES + i] = piece;
	}
}

START_TEST(metadata_is_zero_and_shared_with_nobody)
{
	unsigned i;

	init();
	unit_threads(4, take_pieces);
	for (i = 0; i < 4 * PIECES; i++) {
		char expected = (char)(i / PIECES + 1);

		ck_assert(pieces[i][0] == expected &&
			  pieces[i][999 + i % PIECES] == expected);
	}
	ck_assert_ptr_null(reservation_take_metadata(reservation.bytes));
}
END_TEST

static void charge_and_uncharge(unsigned number)
{
	unsigned i;

	for (i = 0; i < 20000; i++)
		if (reservation_charge(number + i))
			reservation_uncharge(number + i);
}

START_TEST(the_hard_limit_is_exact)
{
	options.limit_hard_bytes = 1000;
	ck_assert(reservation_charge(999));
	ck_assert(!reservation_charge(2));
	ck_assert(reservation_charge(1));
	ck_assert(!reservation_charge(1));
	ck_assert_uint_eq(reservation_taken_bytes(), 1000);
	reservation_uncharge(1000);
	options.limit_hard_bytes = 10000;
	unit_threads(4, charge_and_uncharge);
	ck_assert_uint_eq(reservation_taken_bytes(), 0);
}
END_TEST

int main(void)
{
	TCase *tcase = unit_begin("reservation");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, the_heap_lies_on_superslabs_behind_its_records);
	tcase_add_test(tcase, chunks_follow_each_other_and_the_span_follows_them);
	tcase_add_test(tcase, what_is_refused_as_a_whole_is_opened_as_asked_for);
	tcase_add_test(tcase, a_refusal_moves_nothing_and_the_next_time_it_works);
	tcase_add_test(tcase, more_than_the_address_space_is_refused);
	tcase_add_loop_test(tcase, any_single_refusal_is_got_over, 1, 7);
	tcase_add_loop_test(
		tcase, when_threads_open_at_once_the_span_ends_up_covering_everything, 0,
		50);
	tcase_add_test(tcase, the_span_waits_for_the_lowest_and_then_passes_all);
	tcase_add_test(tcase, who_does_not_wait_any_longer_opens_no_more_than_it_needs);
	tcase_add_test(tcase, what_others_were_opening_at_a_fork_the_child_opens);
	tcase_add_test(tcase, metadata_is_zero_and_shared_with_nobody);
	tcase_add_test(tcase, the_hard_limit_is_exact);
	return unit_end();
}
