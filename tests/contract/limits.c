/* SPDX-License-Identifier: MIT */
/*
 * Little memory: a small address space shrinks the reservation, the end of memory is NULL
 * with ENOMEM, nothing is lost by it, and what is freed can be had again. limit_hard puts
 * the end where the user wants it.
 */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"

enum { MOST_BLOCKS = 1 << 20, LIMITED_MIB = 512, WANTED_MIB = 280 };

/* No limit lets through as much: the bound keeps a broken one from eating the machine. */
#define FAR_BEYOND GIB

struct holding {
	char *block;
	size_t size;
};

static struct holding holdings[MOST_BLOCKS];
static size_t held;

static void hold(char *block, size_t size)
{
	CHECK(held < MOST_BLOCKS);
	pattern_write(block, size, held);
	holdings[held++] = (struct holding){ block, size };
}

/* Takes blocks until there is no more, or enough; returns how many bytes that were. */
static size_t hold_until(size_t enough, size_t (*choose)(uint64_t *), uint64_t seed)
{
	size_t total = 0;

	while (total < enough) {
		size_t size = choose(&seed);
		char *block;

		errno = 0;
		block = malloc(size);
		if (!block) {
			CHECK_THAT(errno == ENOMEM, "no memory, but errno is %d", errno);
			break;
		}
		hold(block, size);
		total += size;
	}
	return total;
}

static void check_held(void)
{
	for (size_t i = 0; i < held; i++)
		CHECK_THAT(pattern_holds(holdings[i].block, holdings[i].size, i),
			   "block %zu of %zu bytes was overwritten", i, holdings[i].size);
}

static size_t release_from(size_t first)
{
	size_t total = 0;

	for (size_t i = first; i < held; i++) {
		total += holdings[i].size;
		free(holdings[i].block);
	}
	held = first;
	return total;
}

static size_t small_size(uint64_t *state)
{
	return 400 + random_size(state, 7000);
}

static size_t mixed_size(uint64_t *state)
{
	size_t largest = random_next(state) % 64 ? 20000 : 2 * MIB;

	return 100 + random_size(state, largest);
}

static size_t large_size(uint64_t *state)
{
	return 2 * MIB + random_size(state, 4 * MIB);
}

static void *use_heap(void *result)
{
	for (size_t size = 1; size < 100000; size = size * 2 + 1)
		free(malloc(size));
	return result;
}

/* Also what refused_overcommit_shrinks_the_reservation.sh runs. */
static void most_of_512_mib_can_be_had_in_mixed_blocks(void)
{
	pthread_t thread;
	size_t total;

	need_threads();
	total = hold_until(WANTED_MIB * MIB, mixed_size, 1);
	CHECK_THAT(total >= WANTED_MIB * MIB, "%zu MiB only", total / MIB);
	check_held();
	/* the program needs address space too: a thread's stack */
	CHECK_THAT(!pthread_create(&thread, NULL, use_heap, NULL), "no room for a thread");
	CHECK(!pthread_join(thread, NULL));
	release_from(0);
	total = hold_until(WANTED_MIB * MIB * 9 / 10, mixed_size, 2);
	CHECK_THAT(total >= WANTED_MIB * MIB * 9 / 10, "%zu MiB the second time",
		   total / MIB);
	check_held();
}

static void limit_address_space(void)
{
	struct rlimit limit = { LIMITED_MIB * MIB, LIMITED_MIB * MIB };

	CHECK(!setrlimit(RLIMIT_AS, &limit));
}

/* The limit must be there when the process starts: it is set in between. */
static void run_limited(const char *part)
{
	const char *const argv[] = { contract_program(), part, NULL };
	pid_t pid = fork();

	if (pid == 0) {
		static struct child child;

		limit_address_space();
		child_run(&child, argv, NULL);
		CHECK_THAT(child_succeeded(&child), "%s", child.errors);
		_exit(0);
	}
	expect_success(pid);
}

static void part_leaves_most_of_512_mib(void)
{
	void *block = malloc(100000);

	CHECK(block && mmap(NULL, (LIMITED_MIB - 100) * MIB, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) != MAP_FAILED);
	free(block);
}

/* What is only reserved counts: a Java heap beside it would not fit. */
static void a_limited_address_space_is_not_used_up_by_a_small_heap(void)
{
	run_limited("part_leaves_most_of_512_mib");
}

static void an_address_space_of_512_mib_can_be_used_for_mixed_blocks(void)
{
	need_threads();
	run_limited("most_of_512_mib_can_be_had_in_mixed_blocks");
}

/* To the end of memory, then half of it is freed, then to the end again. */
static void exhaust(size_t (*choose)(uint64_t *))
{
	size_t total = hold_until(FAR_BEYOND, choose, 3), freed, again;

	CHECK_THAT(total > 150 * MIB, "the end came at %zu MiB", total / MIB);
	for (size_t i = 0; i < 100; i++) {
		errno = 0;
		CHECK(!malloc(hidden_size(LIMITED_MIB * MIB)) && errno == ENOMEM);
		errno = 0;
		CHECK(!calloc(LIMITED_MIB, hidden_size(MIB)) && errno == ENOMEM);
		errno = 0;
		CHECK(!memalign(4096, hidden_size(LIMITED_MIB * MIB)) && errno == ENOMEM);
		errno = 0;
		CHECK(!realloc(hidden(holdings[0].block),
			       hidden_size(LIMITED_MIB * MIB)));
		CHECK(errno == ENOMEM);
	}
	check_held();
	freed = release_from(held / 2);
	again = hold_until(FAR_BEYOND, choose, 4);
	CHECK_THAT(again > freed * 3 / 4, "%zu KiB freed, %zu KiB had again", freed / KIB,
		   again / KIB);
	check_held();
	release_from(0);
	use_heap(NULL);
}

static void part_exhaust_small(void)
{
	exhaust(small_size);
}

static void part_exhaust_mixed(void)
{
	exhaust(mixed_size);
}

static void part_exhaust_large(void)
{
	exhaust(large_size);
}

static void the_end_of_memory_in_small_blocks_loses_nothing(void)
{
	run_limited("part_exhaust_small");
}

static void the_end_of_memory_in_mixed_blocks_loses_nothing(void)
{
	run_limited("part_exhaust_mixed");
}

static void the_end_of_memory_in_large_blocks_loses_nothing(void)
{
	run_limited("part_exhaust_large");
}

/* Memory freed in one size can be had in another. */
static void part_change_of_size(void)
{
	size_t small = hold_until(FAR_BEYOND, small_size, 5), large;

	release_from(0);
	large = hold_until(FAR_BEYOND, large_size, 6);
	CHECK_THAT(large > small / 3,
		   "%zu MiB in small blocks, then %zu MiB in large ones", small / MIB,
		   large / MIB);
	release_from(0);
	large = hold_until(FAR_BEYOND, small_size, 7);
	CHECK_THAT(large > small / 2, "%zu MiB in small blocks, then %zu MiB",
		   small / MIB, large / MIB);
}

static void memory_changes_hands_between_small_and_large_blocks(void)
{
	run_limited("part_change_of_size");
}

enum { HARD_MIB = 64 };

static void check_limit_hard(size_t (*choose)(uint64_t *))
{
	size_t total = hold_until(FAR_BEYOND, choose, 8);

	CHECK_THAT(total <= HARD_MIB * MIB, "%zu MiB under limit_hard:64M", total / MIB);
	CHECK_THAT(total >= HARD_MIB * MIB / 2, "only %zu MiB under limit_hard:64M",
		   total / MIB);
	check_held();
	release_from(held / 4);
	total = hold_until(FAR_BEYOND, choose, 9);
	CHECK_THAT(total >= HARD_MIB * MIB / 4, "only %zu MiB the second time",
		   total / MIB);
	check_held();
	release_from(0);
}

static void limit_hard_bounds_small_blocks(void)
{
	check_limit_hard(small_size);
}

static void limit_hard_bounds_mixed_blocks(void)
{
	check_limit_hard(mixed_size);
}

static void limit_hard_bounds_large_blocks(void)
{
	check_limit_hard(large_size);
}

static void limit_hard_bounds_one_block_and_its_growth(void)
{
	char *block = malloc(40 * MIB), *grown;

	CHECK(block);
	pattern_write(block, 40 * MIB, 1);
	errno = 0;
	CHECK(!malloc(hidden_size(65 * MIB)) && errno == ENOMEM);
	errno = 0;
	grown = realloc(hidden(block), hidden_size(65 * MIB));
	CHECK(!grown && errno == ENOMEM);
	CHECK(pattern_holds(block, 40 * MIB, 1));
	free(block);
	CHECK((block = calloc(1, 40 * MIB)));
	CHECK(all_zero(block, 40 * MIB));
	free(block);
}

/* There are kernels that give each page that is only read one of its own, not that of zeroes. */
static bool reading_takes_memory(void)
{
	size_t before = resident_bytes();
	volatile char *read = mmap(NULL, 16 * MIB, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool taken;

	CHECK(read != MAP_FAILED);
	for (size_t i = 0; i < 16 * MIB; i += 4096)
		(void)read[i];
	taken = resident_bytes() >= before + 8 * MIB;
	munmap((void *)read, 16 * MIB);
	return taken;
}

/*
 * What lies before such an address is free, never used, and has no records with pages. When memory
 * is given back they are read.
 */
static void an_alignment_of_gigabytes_keeps_no_memory(void)
{
	size_t before = resident_bytes();
	char *block = aligned_alloc(hidden_size((size_t)64 << 30), 4 * MIB);

	if (!block)
		contract_skip("no address space for an alignment of 64 GiB");
	block[0] = 1;
	free(block);
	CHECK_THAT(resident_bytes() < before + 24 * MIB, "%zu MiB more are resident",
		   (resident_bytes() - before) / MIB);
	if (reading_takes_memory())
		contract_skip("this kernel has no page of zeroes for what is only read");
	malloc_trim(0);
	CHECK_THAT(resident_bytes() < before + 24 * MIB, "%zu MiB more are resident",
		   (resident_bytes() - before) / MIB);
}

/* All units before such an address get an entry of 8 bytes each, which has pages. */
static void an_alignment_is_refused_that_is_beyond_the_limit(void)
{
	size_t before = resident_bytes();
	char *block = aligned_alloc(hidden_size((size_t)1 << 40), 4 * MIB);

	CHECK_THAT(resident_bytes() < before + HARD_MIB * MIB, "%zu MiB more are resident",
		   (resident_bytes() - before) / MIB);
	free(block);
	block = malloc(30 * MIB);
	CHECK(block);
	free(block);
}

static const struct contract_case cases[] = {
	CASE(most_of_512_mib_can_be_had_in_mixed_blocks),
	CASE(a_limited_address_space_is_not_used_up_by_a_small_heap),
	CASE_PART(part_leaves_most_of_512_mib),
	CASE(an_address_space_of_512_mib_can_be_used_for_mixed_blocks),
	CASE(the_end_of_memory_in_small_blocks_loses_nothing),
	CASE(the_end_of_memory_in_mixed_blocks_loses_nothing),
	CASE(the_end_of_memory_in_large_blocks_loses_nothing),
	CASE(memory_changes_hands_between_small_and_large_blocks),
	CASE_WITH(an_alignment_of_gigabytes_keeps_no_memory, "helpers:never"),
	CASE_WITH(limit_hard_bounds_small_blocks, "limit_hard:64M"),
	CASE_WITH(limit_hard_bounds_mixed_blocks, "limit_hard:64M"),
	CASE_WITH(limit_hard_bounds_large_blocks, "limit_hard:64M"),
	CASE_WITH(limit_hard_bounds_one_block_and_its_growth, "limit_hard:64M"),
	CASE_WITH(an_alignment_is_refused_that_is_beyond_the_limit, "limit_hard:64M,helpers:never"),
	CASE_PART(part_exhaust_small),
	CASE_PART(part_exhaust_mixed),
	CASE_PART(part_exhaust_large),
	CASE_PART(part_change_of_size),
};

CONTRACT_MAIN(cases)
