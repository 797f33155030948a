/* SPDX-License-Identifier: MIT */
/*
 * One thread allocates and another frees: what it frees serves the next allocations, by whatever
 * name they are made, so a program that holds little stays small. hak_mallocx and hak_dallocx are
 * looked up by dlsym: the program is not linked with the library.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <hakmem/hakmem.h>

#include "tests/contract/case.h"
#include "tests/contract/process.h"

enum { PLACES = 64, MOST_GROWN = 12 << 20 };

static void *(*mallocx)(size_t size, int flags);
static void (*dallocx)(void *block, int flags);

/* From the one to the other; release by the one, acquire by the other. */
static _Atomic(char *) ring[PLACES];

static void *free_all(void *count)
{
	char *block;

	for (size_t i = 0; i < *(size_t *)count; i++) {
		while (!(block = atomic_exchange(&ring[i % PLACES], NULL)))
			sched_yield();
		free(block);
	}
	return NULL;
}

static void stays_small(void *(*take)(void), size_t count)
{
	pthread_t thread;
	size_t before;
	char *block;

	start_thread(&thread, NULL, free_all, &count);
	before = resident_bytes();
	for (size_t i = 0; i < count; i++) {
		while (atomic_load(&ring[i % PLACES]))
			sched_yield();
		block = take();
		CHECK(block);
		*block = 1;
		atomic_store(&ring[i % PLACES], block);
	}
	CHECK(!pthread_join(thread, NULL));
	CHECK_THAT(resident_bytes() < before + MOST_GROWN, "%zu KiB more than at first",
		   (resident_bytes() - before) >> 10);
}

static void *take_zeroed(void)
{
	return calloc(1, 100000);
}

static void *take_aligned(void)
{
	return aligned_alloc(128 << 10, 100000);
}

static void *take_past_bins(void)
{
	return mallocx(1000, HAK_UNCACHED);
}

static void calloc_takes_what_another_thread_freed(void)
{
	stays_small(take_zeroed, 3000);
}

static void aligned_alloc_takes_what_another_thread_freed(void)
{
	stays_small(take_aligned, 4000);
}

static void past_the_bins_as_well(void)
{
	contract_look_up(&mallocx, "hak_mallocx");
	stays_small(take_past_bins, 30000);
}

/* As free does: the program may have made it read-only. */
static void a_block_that_cannot_be_written_is_set_aside_or_mended(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = 4 * page;
	char *block, *inside;

	contract_look_up(&mallocx, "hak_mallocx");
	contract_look_up(&dallocx, "hak_dallocx");
	block = mallocx(bytes, HAK_UNCACHED);
	inside = block + (-(uintptr_t)block & (page - 1));
	CHECK(!mprotect(inside, page, PROT_READ));
	dallocx(block, HAK_UNCACHED);
	for (int i = 0; i < 64; i++) {
		memset(mallocx(bytes, HAK_UNCACHED), 1, bytes);
		memset(malloc(bytes), 1, bytes);
	}
}

static const struct contract_case cases[] = {
	CASE(calloc_takes_what_another_thread_freed),
	CASE(aligned_alloc_takes_what_another_thread_freed),
	CASE(past_the_bins_as_well),
	CASE(a_block_that_cannot_be_written_is_set_aside_or_mended),
};

CONTRACT_MAIN(cases)
