/* SPDX-License-Identifier: MIT */
/*
 * os.c - os/lock: is one thread in at a time, and does the one that forks have every lock?
 * os/vm: do the memory system calls do what is said, and return -errno when they cannot?
 * support/system_call: does what the kernel answers come back, and nothing else change?
 */
#include <config.h>

#include <errno.h>
#include <stdarg.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "os/lock_fork.h"
#include "os/thread.h"
#include "os/vm.h"
#include "support/compiler.h"
#include "support/system_call.h"

#include "tests/unit/unit.h"

#define ROUNDS 20000

static struct lock lock, other_lock;
static unsigned inside, counted; /* by lock */

/* Now and then a holder sleeps: then the others come to the futex. */
static void count_under_lock(unsigned number)
{
	unsigned i;

	for (i = 0; i < ROUNDS; i++) {
		errno = (int)number + 1;
		lock_take(&lock);
		ck_assert_uint_eq(inside++, 0);
		counted++;
		if (i % 1000 == number * 100)
			usleep(1000);
		errno = (int)number + 1;
		ck_assert_uint_eq(--inside, 0);
		lock_put(&lock);
		ck_assert_int_eq(errno, (int)number + 1);
	}
}

START_TEST(one_thread_at_a_time_has_the_lock)
{
	unit_threads(4, count_under_lock);
	ck_assert_uint_eq(counted, 4 * ROUNDS);
	ck_assert_uint_eq(atomic_load(&lock.owner), 0);
}
END_TEST

static void take_while_held(unsigned number)
{
	if (number) {
		usleep(20000);
		errno = 42;
		lock_take(&lock);
		ck_assert_int_eq(errno, 42);
		ck_assert_uint_eq(counted, 1);
		lock_put(&lock);
		return;
	}
	lock_take(&lock);
	usleep(200000);
	counted++;
	lock_put(&lock);
}

START_TEST(a_sleeping_waiter_is_woken)
{
	unit_threads(3, take_while_held);
}
END_TEST

static _Atomic bool fork_has_begun;
static _Atomic unsigned others_inside;

static struct lock *const both[] = { &lock, &other_lock };

static void fork_or_wait(unsigned number)
{
	if (number) {
		while (!atomic_load(&fork_has_begun))
			usleep(1000);
		lock_take(number % 2 ? &lock : &other_lock);
		atomic_fetch_add(&others_inside, 1);
		lock_put(number % 2 ? &lock : &other_lock);
		return;
	}
	lock_fork_begin(both, 2);
	atomic_store(&fork_has_begun, true);
	lock_take(&lock); /* would wait for itself */
	lock_take(&lock);
	lock_put(&lock);
	lock_put(&other_lock);
	usleep(100000);
	ck_assert_uint_eq(atomic_load(&others_inside), 0);
	lock_fork_end(both, 2);
}

START_TEST(the_forking_thread_has_all_locks_and_nobody_else_has_one)
{
	alarm(20);
	unit_threads(4, fork_or_wait);
	ck_assert_uint_eq(atomic_load(&others_inside), 3);
	/* Afterwards it is a thread like any other. */
	lock_take(&lock);
	ck_assert(lock_is_own(&lock));
	lock_put(&lock);
	ck_assert(!lock_is_own(&lock));
}
END_TEST

static _Atomic unsigned stage;

static void hold_one_or_take_all(unsigned number)
{
	uint32_t taken;

	if (number) {
		lock_take(&other_lock);
		atomic_store(&stage, 1);
		while (atomic_load(&stage) == 1)
			usleep(1000);
		lock_put(&other_lock);
		atomic_store(&stage, 3);
		return;
	}
	while (!atomic_load(&stage))
		usleep(1000);
	ck_assert(!lock_take_all(&taken));
	ck_assert(!lock_is_own(&lock));
	atomic_store(&stage, 2);
	while (atomic_load(&stage) == 2)
		usleep(1000);
	ck_assert(lock_take_all(&taken));
	ck_assert(lock_is_own(&lock) && lock_is_own(&other_lock));
	lock_put_all(taken);
	ck_assert(!lock_is_own(&lock) && !lock_is_own(&other_lock));
}

START_TEST(who_takes_all_locks_has_all_or_none_and_keeps_his_own)
{
	uint32_t taken;

	lock_set_order(both, 2);
	unit_threads(2, hold_one_or_take_all);
	lock_take(&lock);
	ck_assert(lock_take_all(&taken));
	lock_put_all(taken);
	ck_assert(lock_is_own(&lock) && !lock_is_own(&other_lock));
	lock_put(&lock);
}
END_TEST

/* As in a signal handler that forks. */
START_TEST(what_a_forking_thread_held_before_it_holds_afterwards_and_in_the_child)
{
	bool in_child;

	for (in_child = false;; in_child = true) {
		lock_take(&lock);
		lock_fork_begin(both, 2);
		lock_fork_begin(both, 2);	/* in a handler that interrupted a fork */
		if (in_child) {
			/* What the interrupted code was about nobody may look at. */
			ck_assert_uint_eq(lock_fork_look_in_child(both, 2), 2);
			lock_fork_end_in_child(both, 2);
			lock_fork_end_in_child(both, 2);
		} else {
			lock_fork_end(both, 2);
			ck_assert(lock_is_own(&other_lock));
			lock_fork_end(both, 2);
		}
		ck_assert(lock_is_own(&lock));
		ck_assert(!lock_is_own(&other_lock));
		lock_put(&lock);
		if (in_child)
			break;
	}
}
END_TEST

static uintptr_t identities[4];

static void note_identity(unsigned number)
{
	identities[number] = thread_identity();
	usleep(50000); /* all live at the same time */
}

START_TEST(living_threads_have_different_identities)
{
	unsigned i, j;

	unit_threads(4, note_identity);
	for (i = 0; i < 4; i++) {
		ck_assert_uint_ne(identities[i], 0);
		ck_assert_uint_ne(identities[i], thread_identity());
		for (j = 0; j < i; j++)
			ck_assert_uint_ne(identities[i], identities[j]);
	}
}
END_TEST

static char *reserve(size_t bytes)
{
	void *start;

	errno = 42;
	ck_assert_int_eq(vm_reserve(bytes, &start), 0);
	ck_assert_int_eq(errno, 42);
	return start;
}

static char *reserve_open(size_t bytes)
{
	char *start = reserve(bytes);

	ck_assert_int_eq(vm_open(start, bytes), 0);
	return start;
}

START_TEST(reserved_memory_cannot_be_touched)
{
	*(volatile char *)reserve(1 * MiB) = 1;
}
END_TEST

START_TEST(opened_memory_is_zero_and_keeps_what_is_written)
{
	char *start = reserve(4 * MiB);

	ck_assert_int_eq(vm_open(start + 1 * MiB, 2 * MiB), 0);
	ck_assert(unit_is_zero(start + 1 * MiB, 2 * MiB));
	unit_fill(start + 1 * MiB, 2 * MiB, 7);
	ck_assert_int_eq(vm_open(start, 4 * MiB), 0);
	ck_assert(unit_is_filled(start + 1 * MiB, 2 * MiB, 7));
}
END_TEST

START_TEST(dropped_memory_is_zero_again)
{
	char *start = reserve_open(2 * MiB);

	memset(start, 1, 2 * MiB);
	ck_assert_int_eq(vm_drop(start + 1 * MiB, 1 * MiB), 0);
	ck_assert(start[0] == 1 && start[1 * MiB - 1] == 1);
	ck_assert(unit_is_zero(start + 1 * MiB, 1 * MiB));
	start[2 * MiB - 1] = 1;
}
END_TEST

START_TEST(locked_memory_can_be_dropped_where_the_kernel_can)
{
	char *start = reserve_open(64 * KiB);
	int error;

	memset(start, 1, 64 * KiB);
	if (unit_skip_if(mlock(start, 64 * KiB), "no 64 KiB may be locked"))
		return;
	errno = 42;
	error = vm_drop(start, 64 * KiB);
	ck_assert_int_eq(errno, 42);
	if (error) /* before Linux 5.18 */
		ck_assert(error == -EINVAL && start[0] == 1);
	else
		ck_assert(unit_is_zero(start, 64 * KiB));
}
END_TEST

START_TEST(moved_pages_take_their_contents_along)
{
	char *from = reserve_open(4 * MiB), *to = reserve_open(4 * MiB);

	unit_fill(from, 4 * MiB, 7);
	unit_fill(to, 4 * MiB, 8);
	errno = 42;
	ck_assert_int_eq(vm_move(from, to, 2 * MiB), 0);
	ck_assert_int_eq(errno, 42);
	ck_assert_int_eq(memcmp(to, &(uint64_t){ 7 }, 8), 0);
	ck_assert(unit_is_zero(from, 2 * MiB));
	ck_assert_uint_eq(*(uint64_t *)(from + 2 * MiB), 7 + 2 * MiB);
	ck_assert_uint_eq(*(uint64_t *)(to + 2 * MiB), 8 + 2 * MiB);
	unit_fill(from, 2 * MiB, 9);
	ck_assert_uint_eq(*(uint64_t *)to, 7);
}
END_TEST

static void expect_error(int got, int expected)
{
	ck_assert_int_eq(got, expected);
	ck_assert_int_eq(errno, 42);
}

START_TEST(what_the_kernel_refuses_is_an_error_code_and_errno_is_kept)
{
	char *start = reserve_open(1 * MiB), *hole = reserve(1 * MiB);
	void *nothing;

	munmap(hole, 1 * MiB);
	errno = 42;
	expect_error(vm_open(start + 1, 4096), -EINVAL);
	expect_error(vm_open(hole, 1 * MiB), -ENOMEM);
	expect_error(vm_drop(start + 1, 4096), -EINVAL);
	expect_error(vm_drop(hole, 1 * MiB), -ENOMEM);
	expect_error(vm_want_huge(start + 1, 4096), -EINVAL);
	expect_error(vm_move(hole, start, 64 * KiB), -EFAULT);
	expect_error(vm_move(start, start + 4096, 64 * KiB), -EINVAL);
	expect_error(vm_move(start + 1, start + 512 * KiB, 4096), -EINVAL);
	expect_error(vm_reserve((size_t)1 << 62, &nothing), -ENOMEM);
}
END_TEST

START_TEST(huge_pages_are_asked_for_where_the_kernel_has_them)
{
	char *start = reserve_open(4 * MiB);
	int error = vm_want_huge(start, 4 * MiB);

	ck_assert(error == 0 || error == -EINVAL);
	if (error == 0)
		ck_assert_int_eq(
			access("/sys/kernel/mm/transparent_hugepage/enabled", F_OK), 0);
}
END_TEST

/*
 * The linker puts this in the place of system_call (--wrap): a kernel that does not know the flag.
 */
long __real_system_call(long number, ...);
long __wrap_system_call(long number, ...);

static bool is_before_4_17;

/* As in system_call: fewer words than six may have been given. */
__attribute__((no_sanitize("address"))) long __wrap_system_call(long number, ...)
{
	long words[6];
	va_list list;
	unsigned i;

	va_start(list, number);
	for (i = 0; i < 6; i++)
		words[i] = va_arg(list, long);
	va_end(list);
	if (number == SYS_mmap && is_before_4_17)
		words[3] &= ~(long)MAP_FIXED_NOREPLACE;
	return __real_system_call(number, words[0], words[1], words[2], words[3], words[4],
				  words[5]);
}

START_TEST(what_lies_in_the_way_of_an_opening_is_noticed_by_old_kernels_too)
{
	char *start, *others;
	void *place;

	is_before_4_17 = _i;
	if (unit_skip_if(vm_reserve_unmapped(16 * MiB, &place),
			 "there is no place of which nothing is mapped"))
		return;
	start = place;
	ck_assert_int_eq(vm_open(start, 1 * MiB), 0);
	ck_assert(unit_is_zero(start, 1 * MiB));
	others = mmap(start + 2 * MiB, 64 * KiB, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	ck_assert_ptr_eq(others, start + 2 * MiB);
	others[0] = 77;
	ck_assert_int_eq(vm_open(start + 1 * MiB, 2 * MiB), -EEXIST);
	ck_assert_int_eq(vm_open(start, 1 * MiB), -EEXIST);
	ck_assert_int_eq(others[0], 77);
	ck_assert(!vm_is_mapped(start + 1 * MiB, 1 * MiB));
	vm_close(start, 1 * MiB);
	ck_assert(!vm_is_mapped(start, 1 * MiB));
	ck_assert_int_eq(vm_open(start, 1 * MiB), 0);
}
END_TEST

START_TEST(a_limit_on_address_space_is_an_error_code)
{
	void *start;

	if (unit_skip_if(UNIT_SANITIZED, "a sanitizer maps memory of its own"))
		return;
	setrlimit(RLIMIT_AS, &(struct rlimit){ 16 * MiB, RLIM_INFINITY });
	errno = 42;
	expect_error(vm_reserve(64 * MiB, &start), -ENOMEM);
}
END_TEST

START_TEST(the_page_size_is_that_of_the_system)
{
	ck_assert_uint_eq(vm_page_size(), (size_t)getpagesize());
}
END_TEST

START_TEST(a_system_call_gives_the_kernels_answer_and_keeps_errno)
{
	int pipes[2];
	char *page;
	long mapped;

	errno = 42;
	ck_assert_int_eq(system_call(SYS_close, -1), -EBADF);
	ck_assert_int_eq(system_call(SYS_getpid), getpid());
	ck_assert_int_eq(pipe(pipes), 0);
	ck_assert_int_eq(write(pipes[1], "0123456789abcdef", 16), 16);
	/* Six arguments, each in its place. */
	mapped = system_call(SYS_mmap, NULL, vm_page_size(), PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0ul);
	ck_assert(!system_call_failed(mapped));
	page = (char *)mapped;
	ck_assert_int_eq(system_call(SYS_read, pipes[0], page, 10ul), 10);
	ck_assert_mem_eq(page, "0123456789", 10);
	mapped = system_call(SYS_mmap, NULL, vm_page_size(), PROT_READ,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 1ul);
	ck_assert(system_call_failed(mapped));
	ck_assert_int_eq(mapped, -EINVAL);
	ck_assert_int_eq(errno, 42);
}
END_TEST

int main(void)
{
	TCase *tcase = unit_begin("os");

	tcase_add_test(tcase, one_thread_at_a_time_has_the_lock);
	tcase_add_test(tcase, a_sleeping_waiter_is_woken);
	tcase_add_test(tcase, the_forking_thread_has_all_locks_and_nobody_else_has_one);
	tcase_add_test(tcase, who_takes_all_locks_has_all_or_none_and_keeps_his_own);
	tcase_add_test(tcase,
		       what_a_forking_thread_held_before_it_holds_afterwards_and_in_the_child);
	tcase_add_test(tcase, living_threads_have_different_identities);
	if (!UNIT_SANITIZED) /* which would catch the signal */
		tcase_add_test_raise_signal(tcase, reserved_memory_cannot_be_touched,
					    SIGSEGV);
	tcase_add_test(tcase, opened_memory_is_zero_and_keeps_what_is_written);
	tcase_add_test(tcase, dropped_memory_is_zero_again);
	tcase_add_test(tcase, locked_memory_can_be_dropped_where_the_kernel_can);
	tcase_add_test(tcase, moved_pages_take_their_contents_along);
	tcase_add_test(tcase, what_the_kernel_refuses_is_an_error_code_and_errno_is_kept);
	tcase_add_test(tcase, huge_pages_are_asked_for_where_the_kernel_has_them);
	tcase_add_loop_test(tcase,
			    what_lies_in_the_way_of_an_opening_is_noticed_by_old_kernels_too, 0, 2);
	tcase_add_test(tcase, a_limit_on_address_space_is_an_error_code);
	tcase_add_test(tcase, the_page_size_is_that_of_the_system);
	tcase_add_test(tcase, a_system_call_gives_the_kernels_answer_and_keeps_errno);
	return unit_end();
}
