/* SPDX-License-Identifier: MIT */
/*
 * trim.c - does a trim that takes its time leave alone what threads take meanwhile, and is
 * what is then said to be untouched really zero?
 */
#include <config.h>

#include <signal.h>
#include <stdatomic.h>
#include <ucontext.h>
#include <unistd.h>

#include "back/charge.h"
#include "back/large.h"
#include "back/superslab.h"
#include "back/superslab_take.h"
#include "back/superslab_claim.h"
#include "back/superslab_trim.h"
#include "os/vm.h"

#include "tests/unit/unit.h"

#define TAKERS 3

/* The linker puts this before vm_drop (--wrap): the kernel is slow. */
int __real_vm_drop(void *start, size_t bytes);
int __wrap_vm_drop(void *start, size_t bytes);

int __wrap_vm_drop(void *start, size_t bytes)
{
	usleep(200);
	return __real_vm_drop(start, bytes);
}

static char nobody;
static struct unit_random shared_random;
static _Atomic unsigned takers_at_work;

static void set_up(void)
{
	size_class_init();
	ck_assert_int_eq(reservation_init(&nobody), 0);
}

/* What a thread took is its own: contents stay until it puts them. */
static void take_and_put_slabs(struct unit_random *random, uint64_t mark)
{
	uint32_t firsts[30];
	unsigned units[30] = { 0 }, round;
	bool zeroed;

	for (round = 0; round < 3000; round++) {
		size_t i = unit_random_between(random, 0, 29);
		char *start;

		if (units[i]) {
			start = reservation_unit_start(firsts[i]);
			ck_assert(unit_is_filled(start, units[i] * UNIT_SIZE, mark));
			superslab_put_slab(firsts[i], units[i]);
			units[i] = 0;
			continue;
		}
		units[i] = (unsigned)unit_random_between(random, 1, 6);
		firsts[i] = superslab_take_slab(units[i], 1, 0, 0, &zeroed);
		ck_assert_uint_ne(firsts[i], UNIT_NONE);
		start = reservation_unit_start(firsts[i]);
		ck_assert(!zeroed || unit_is_zero(start, units[i] * UNIT_SIZE));
		unit_fill(start, units[i] * UNIT_SIZE, mark);
	}
}

static void take_and_put_large(struct unit_random *random, uint64_t mark)
{
	char *starts[6] = { NULL };
	size_t bytes[6];
	unsigned round;

	for (round = 0; round < 1500; round++) {
		size_t i = unit_random_between(random, 0, 5), dirty_bytes;

		if (starts[i]) {
			ck_assert(unit_is_filled(starts[i], bytes[i], mark));
			ck_assert_int_eq(large_put(starts[i]), LARGE_BLOCK);
			starts[i] = NULL;
			continue;
		}
		bytes[i] = unit_random_between(random, 1, 32) * UNIT_SIZE;
		starts[i] = large_take(bytes[i], UNIT_SIZE, &dirty_bytes);
		ck_assert_ptr_nonnull(starts[i]);
		ck_assert(unit_is_zero(starts[i] + dirty_bytes, bytes[i] - dirty_bytes));
		unit_fill(starts[i], bytes[i], mark);
	}
}

static void trim_while_others(unsigned number, size_t (*trim)(void),
			      void (*take_and_put)(struct unit_random *random,
						   uint64_t mark))
{
	struct unit_random random = unit_random_of_thread(shared_random, number);

	if (number < TAKERS) {
		take_and_put(&random, number);
		atomic_fetch_sub(&takers_at_work, 1);
		return;
	}
	while (atomic_load(&takers_at_work))
		trim();
}

static void trim_or_take_slabs(unsigned number)
{
	trim_while_others(number, superslab_trim, take_and_put_slabs);
}

static void trim_or_take_large(unsigned number)
{
	trim_while_others(number, large_trim, take_and_put_large);
}

START_TEST(threads_and_a_trim_never_meet_in_a_unit)
{
	shared_random = unit_random_begin();
	atomic_store(&takers_at_work, TAKERS);
	unit_threads(TAKERS + 1, trim_or_take_slabs);
}
END_TEST

START_TEST(threads_and_a_trim_never_meet_in_a_large_block)
{
	shared_random = unit_random_begin();
	atomic_store(&takers_at_work, TAKERS);
	unit_threads(TAKERS + 1, trim_or_take_large);
}
END_TEST

/* A sanitizer keeps signals back. */
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
#define STEPS_ARE_SEEN

#define ALL_UNITS	SUPERSLAB_ALL_UNITS
#define STEP_FLAG	0x100	/* of the processor: a trap after each instruction */
#define STEPS_MOST	2000

static uint32_t index_of_trimmed;
static unsigned steps, step_of_other;	/* from 1 on */

static uint32_t claim_and_release(void)
{
	uint32_t claimed = superslab_claim(index_of_trimmed, ALL_UNITS);

	if (claimed)
		superslab_claim_put(index_of_trimmed, claimed, claimed);
	return claimed;
}

/* The other trim runs from begin to end between two instructions of the first. */
static void on_step(int signal, siginfo_t *info, void *context)
{
	greg_t *flags = &((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL];

	(void)signal, (void)info;
	if (++steps == step_of_other)
		claim_and_release();
	if (steps >= step_of_other)
		*flags &= ~STEP_FLAG;
}

static uint32_t claim_stepwise(void)
{
	uint32_t claimed;

	__builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() | STEP_FLAG);
	claimed = superslab_claim(index_of_trimmed, ALL_UNITS);
	__builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() &
				       ~(unsigned long long)STEP_FLAG);
	if (claimed)
		superslab_claim_put(index_of_trimmed, claimed, claimed);
	return claimed;
}

START_TEST(a_trim_between_any_two_instructions_of_another_counts_what_it_gives_back)
{
	struct sigaction action = { .sa_sigaction = on_step, .sa_flags = SA_SIGINFO };

	if (unit_skip_if(UNIT_SANITIZED, "a sanitizer's own instructions are stepped through, too"))
		return;
	ck_assert_int_eq(sigaction(SIGTRAP, &action, NULL), 0);
	do {
		bool zeroed;
		uint32_t first = superslab_take_slab(SUPERSLAB_UNITS, 1, 0, 0, &zeroed);

		ck_assert_uint_ne(first, UNIT_NONE);
		ck_assert_uint_eq(charge_populated_bytes(), SUPERSLAB_SIZE);
		superslab_put_slab(first, SUPERSLAB_UNITS);
		index_of_trimmed = first / SUPERSLAB_UNITS;
		steps = 0;
		step_of_other++;
		claim_stepwise();
		ck_assert_uint_eq(charge_populated_bytes(), 0);
		ck_assert_uint_eq(superslab_at(index_of_trimmed)->units, ALL_UNITS);
	} while (steps >= step_of_other && step_of_other < STEPS_MOST);
	ck_assert_uint_gt(step_of_other, 10);
	ck_assert_uint_lt(step_of_other, STEPS_MOST);
}
END_TEST

#endif

int main(void)
{
	TCase *tcase = unit_begin_between("trim");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, threads_and_a_trim_never_meet_in_a_unit);
	tcase_add_test(tcase, threads_and_a_trim_never_meet_in_a_large_block);
#ifdef STEPS_ARE_SEEN
	tcase_add_test(tcase,
		       a_trim_between_any_two_instructions_of_another_counts_what_it_gives_back);
#endif
	return unit_end();
}
