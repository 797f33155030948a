/* SPDX-License-Identifier: MIT */
/*
 * reservation.c - do chunks follow each other, and does a refusal by the kernel cost no more
 * than that? Threads at once: openings.c.
 */
#include <config.h>

#include "back/charge.h"
#include "back/metadata.h"
#include "back/reservation.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "back/large.h"
#include "back/superslab.h"
#include "back/superslab_take.h"
#include "os/vm.h"
#include "support/options.h"

#include "tests/unit/unit.h"

/* The linker puts this in the place of vm_open (--wrap), so that a test can refuse it. */
int __real_vm_open(void *start, size_t bytes);
int __wrap_vm_open(void *start, size_t bytes);

static _Atomic unsigned calls;
static unsigned refused_call;	     /* the one to refuse, from 1 on */
static size_t most_bytes = SIZE_MAX; /* more are refused */

int __wrap_vm_open(void *start, size_t bytes)
{
	unsigned call = atomic_fetch_add(&calls, 1) + 1;

	if (call == refused_call || bytes > most_bytes)
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
	ck_assert_int_eq(reservation_open(GiB >> UNIT_SHIFT, CHUNK_LARGE, 0, &chunk), 0);
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
		uint32_t unit = superslab_take_slab(SUPERSLAB_UNITS, 1, 0, 0, &zeroed);
		char *block = large_take(16 * MiB, UNIT_SIZE, &dirty_bytes);
		char *metadata = metadata_take(200 * KiB);

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

/* A thread that asks again and again while there is no memory must not use up what there is. */
START_TEST(metadata_that_is_refused_takes_no_address_space)
{
	unsigned tries;
	size_t taken;

	init();
	most_bytes = 0;
	taken = metadata_bytes();
	for (tries = 0; tries < 1000; tries++)
		ck_assert_ptr_null(metadata_take(1 * MiB));
	ck_assert_uint_eq(metadata_bytes(), taken);
	most_bytes = SIZE_MAX;
	ck_assert(unit_is_zero(metadata_take(1 * MiB), 1 * MiB));
}
END_TEST

/* Of 12 MiB, 6 MiB behind the start, with a mark at each end. */
static char *map_in_the_way(void)
{
	char *place = (char *)reservation.base + 6 * MiB;
	char *mapped = mmap(place, 12 * MiB, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (mapped != place)
		return NULL;
	mapped[0] = mapped[12 * MiB - 1] = 77;
	return mapped;
}

START_TEST(what_others_have_mapped_in_the_way_is_passed_over_and_left_alone)
{
	char *others, *start;
	struct chunk chunk;
	size_t opened = 0;
	unsigned i;

	init();
	others = map_in_the_way();
	if (unit_skip_if(!others, "here the heap's address space is reserved"))
		return;
	for (i = 0; i < 40; i++) {
		ck_assert_int_eq(reservation_open(SUPERSLAB_UNITS,
						  i % 2 ? CHUNK_LARGE : CHUNK_SLABS, 0, &chunk),
				 0);
		start = reservation_unit_start(chunk.first_unit);
		ck_assert(start + ((size_t)chunk.units << UNIT_SHIFT) <= others ||
			  start >= others + 12 * MiB);
		check_chunk(chunk);
		opened += (size_t)chunk.units << UNIT_SHIFT;
	}
	ck_assert(others[0] == 77 && others[12 * MiB - 1] == 77);
	ck_assert_uint_eq(reservation.span_steps * 16, reservation_end_bytes());
	ck_assert_uint_eq(reservation_opened_bytes(), opened);
	for (start = others; start < others + 12 * MiB; start += UNIT_SIZE)
		ck_assert_ptr_eq(reservation.bin_of_unit[reservation_unit_of(start)], &nobody);
}
END_TEST

#define PIECES 400

static char *pieces[4 * PIECES];

static void take_pieces(unsigned number)
{
	unsigned i;

	for (i = 0; i < PIECES; i++) {
		char *piece = metadata_take(1000 + i);

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
	ck_assert_ptr_null(metadata_take(reservation.bytes));
}
END_TEST

static void charge_and_uncharge(unsigned number)
{
	unsigned i;

	for (i = 0; i < 20000; i++)
		if (charge_take(number + i))
			charge_put(number + i);
}

static void charge_what_fits_or_not(unsigned number)
{
	unsigned i;

	for (i = 0; i < 200000; i++) {
		if (number == 0)
			ck_assert(!charge_take(2000));
		if (number == 1) {
			ck_assert(charge_take(1000));
			charge_put(1000);
		}
	}
}

START_TEST(what_is_refused_is_not_in_the_way_of_what_fits)
{
	options.limit_hard_bytes = 1000;
	unit_threads(2, charge_what_fits_or_not);
	ck_assert_uint_eq(charge_taken_bytes(), 0);
}
END_TEST

START_TEST(the_hard_limit_is_exact)
{
	options.limit_hard_bytes = 1000;
	ck_assert(charge_take(999));
	ck_assert(!charge_take(2));
	ck_assert(charge_take(1));
	ck_assert(!charge_take(1));
	ck_assert_uint_eq(charge_taken_bytes(), 1000);
	charge_put(1000);
	options.limit_hard_bytes = 10000;
	unit_threads(4, charge_and_uncharge);
	ck_assert_uint_eq(charge_taken_bytes(), 0);
}
END_TEST

int main(void)
{
	TCase *tcase = unit_begin_between("reservation");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, the_heap_lies_on_superslabs_behind_its_records);
	tcase_add_test(tcase, chunks_follow_each_other_and_the_span_follows_them);
	tcase_add_test(tcase, what_is_refused_as_a_whole_is_opened_as_asked_for);
	tcase_add_test(tcase, a_refusal_moves_nothing_and_the_next_time_it_works);
	tcase_add_test(tcase, more_than_the_address_space_is_refused);
	tcase_add_loop_test(tcase, any_single_refusal_is_got_over, 1, 7);
	tcase_add_test(tcase, metadata_that_is_refused_takes_no_address_space);
	tcase_add_test(tcase, what_others_have_mapped_in_the_way_is_passed_over_and_left_alone);
	tcase_add_test(tcase, metadata_is_zero_and_shared_with_nobody);
	tcase_add_test(tcase, the_hard_limit_is_exact);
	tcase_add_test(tcase, what_is_refused_is_not_in_the_way_of_what_fits);
	return unit_end();
}
