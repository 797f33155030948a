/* SPDX-License-Identifier: MIT */
/*
 * page_size.c - do live blocks keep their contents where the kernel's pages are larger than
 * 4 KiB, is a part of a page never given back, and are no huge pages of 32 MiB asked for? The
 * linker puts this before getauxval, vm_drop and others (--wrap): it acts as such a kernel.
 */
#include <config.h>

#include "support/page_size.h"

#include <errno.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include <hakmem/hakmem.h>
#include <kmod-free-helpers/madvise_ring.h>
#include <kmod-free-helpers/madvise_vector.h>

#include "os/vm.h"
#include "support/compiler.h"

#include "tests/unit/unit.h"

#define BLOCK_BYTES	256
#define BLOCKS		((UNIT_SANITIZED ? 8 : 48) * MiB / BLOCK_BYTES)
#define KEPT_ONE_IN	40

static size_t pretended;	/* 0: the kernel's own */
static size_t dropped_bytes;

unsigned long __real_getauxval(unsigned long type);
unsigned long __wrap_getauxval(unsigned long type);
int __real_vm_drop(void *start, size_t bytes);
int __wrap_vm_drop(void *start, size_t bytes);

unsigned long __wrap_getauxval(unsigned long type)
{
	return type == AT_PAGESZ && pretended ? pretended : __real_getauxval(type);
}

/* As do_madvise() does: the start is refused, the length is rounded. */
int __wrap_vm_drop(void *start, size_t bytes)
{
	size_t rounded = pretended ? align_up(bytes, pretended) : bytes;
	int error;

	if (pretended && (uintptr_t)start % pretended)
		return -EINVAL;
	error = __real_vm_drop(start, rounded);
	dropped_bytes += error ? 0 : rounded;
	return error;
}

static unsigned wishes, refusals;

int __wrap_vm_want_huge(void *start, size_t bytes);
int __wrap_vm_open_small(void *start, size_t bytes);

int __wrap_vm_want_huge(void *start, size_t bytes)
{
	(void)start;
	(void)bytes;
	wishes++;
	return 0;
}

int __wrap_vm_open_small(void *start, size_t bytes)
{
	refusals++;
	return vm_open(start, bytes);
}

static char *blocks[48 * MiB / BLOCK_BYTES];
static size_t count;

static void make_survivors(void)
{
	struct unit_random random = unit_random_begin();
	size_t i;

	for (i = 0; i < BLOCKS; i++) {
		blocks[i] = hak_malloc(BLOCK_BYTES);
		ck_assert_ptr_nonnull(blocks[i]);
		memset(blocks[i], (int)(i % 255) + 1, BLOCK_BYTES);
	}
	for (i = 0; i < BLOCKS; i++) {
		/* Here and there 64 KiB without any. */
		if (unit_random_next(&random) % KEPT_ONE_IN || i / 512 % 5 == 0)
			hak_free(blocks[i]);
		else
			blocks[count++] = blocks[i];
	}
}

static size_t count_lost(void)
{
	size_t i, lost = 0;
	unsigned byte;

	for (i = 0; i < count; i++) {
		bool whole = blocks[i][0] != 0;

		for (byte = 1; byte < BLOCK_BYTES; byte++)
			whole = whole && blocks[i][byte] == blocks[i][0];
		lost += !whole;
	}
	return lost;
}

static const size_t sizes[] = { 16 * KiB, 64 * KiB };

/* _i: which of sizes */
START_TEST(live_blocks_keep_their_contents_where_pages_are_large)
{
	pretended = sizes[_i];
	ck_assert_uint_eq(vm_page_size(), sizes[_i]);
	make_survivors();
	ck_assert_uint_gt(count, 100);
	hak_malloc_trim(0);
	ck_assert_uint_gt(dropped_bytes, 0);
	ck_assert_uint_eq(count_lost(), 0);
}
END_TEST

static char *map(size_t bytes)
{
	char *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);

	ck_assert_ptr_ne(start, MAP_FAILED);
	memset(start, 7, bytes);
	return start;
}

static void check_refused(char *start, size_t bytes)
{
	struct iovec range = { start, bytes };
	struct madvise_vector vector = { .process = -1 };
	struct madvise_ring ring;

	ck_assert_int_eq(__real_vm_drop(start, bytes), -EINVAL);
	ck_assert_int_eq(vm_guard(start, bytes), -EINVAL);
	ck_assert_int_eq(vm_unguard(start, bytes), -EINVAL);
	ck_assert_int_eq(vm_move(start, start + 2 * MiB, bytes), -EINVAL);
	madvise_vector_open(&vector);
	ck_assert_int_eq(madvise_vector_call(&vector, &range, 1, MADV_DONTNEED), -EINVAL);
	madvise_ring_open(&ring);
	ck_assert(!madvise_ring_queue(&ring, start, bytes, MADV_DONTNEED, 0));
}

START_TEST(a_part_of_a_page_is_not_given_back)
{
	size_t page = page_size(), i;
	char *start = map(4 * MiB);

	check_refused(start, page / 2);
	check_refused(start, page + 16);
	check_refused(start + page / 2, page);
	for (i = 0; i < 2 * page; i++)
		ck_assert_int_eq(start[i], 7);
}
END_TEST

/* One of theirs would be many superslabs, populated by one touch. */
START_TEST(a_heap_asks_for_huge_pages_of_its_own_size_only)
{
	size_t i;

	for (i = 0; i < 400 * MiB / 60000; i++)
		ck_assert_ptr_nonnull(hak_malloc(60000));
	if (vm_page_size() == 4 * KiB)
		ck_assert_uint_gt(wishes, 0);
	else
		ck_assert_uint_eq(wishes, 0);
}
END_TEST

/* _i: which of sizes */
START_TEST(a_heap_refuses_huge_pages_that_are_larger_than_a_superslab)
{
	size_t i;

	pretended = sizes[_i];
	ck_assert(!vm_huge_pages_fit());
	for (i = 0; i < 400 * MiB / 60000; i++)
		ck_assert_ptr_nonnull(hak_malloc(60000));
	ck_assert_uint_eq(wishes, 0);
	ck_assert_uint_gt(refusals, 0);
}
END_TEST

START_TEST(a_huge_page_is_what_a_page_of_entries_is_for)
{
	static const size_t pages[] = { 4 * KiB, 16 * KiB, 64 * KiB };
	static const size_t huge[] = { 2 * MiB, 32 * MiB, 512 * MiB };

	pretended = pages[_i];
	ck_assert_uint_eq(vm_huge_page_bytes(), huge[_i]);
	ck_assert_int_eq(vm_huge_pages_fit(), pages[_i] == 4 * KiB);
}
END_TEST

START_TEST(a_page_size_that_divides_is_that_of_the_kernel)
{
	size_t page = page_size();

	ck_assert(page_size_divides((void *)(8 * page), 3 * page));
	ck_assert(!page_size_divides((void *)(8 * page + 16), 3 * page));
	ck_assert(!page_size_divides((void *)(8 * page), 3 * page + 1));
}
END_TEST

int main(void)
{
	TCase *tcase = unit_begin_between("page_size");

	tcase_add_loop_test(tcase, live_blocks_keep_their_contents_where_pages_are_large, 0,
			    sizeof(sizes) / sizeof(sizes[0]));
	tcase_add_test(tcase, a_heap_asks_for_huge_pages_of_its_own_size_only);
	tcase_add_loop_test(tcase, a_heap_refuses_huge_pages_that_are_larger_than_a_superslab, 0,
			    sizeof(sizes) / sizeof(sizes[0]));
	tcase_add_loop_test(tcase, a_huge_page_is_what_a_page_of_entries_is_for, 0, 3);
	tcase_add_test(tcase, a_part_of_a_page_is_not_given_back);
	tcase_add_test(tcase, a_page_size_that_divides_is_that_of_the_kernel);
	return unit_end();
}
