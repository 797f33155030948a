/* SPDX-License-Identifier: MIT */
/*
 * hardened:true: every kind of misuse is seen, and at once, but for a write to freed memory,
 * which is seen when the block leaves quarantine or is taken again, and a write past the end, when
 * it is freed.
 */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"
#include "tests/misuse/misuse.h"

enum { CANARY_BYTES = 8, MANY = 5000 };	/* quarantine is random: by then no block is left in it */

/* As messages call it: the canary belongs to the class. */
static size_t full_class_of(void *block)
{
	return class_of(block) + CANARY_BYTES;
}

static void announce_double_free(void *block)
{
	if (class_of(block) > MIB)
		announce("double free of %p (large block)", block);
	else
		announce("double free of %p (size class %zu)", block, full_class_of(block));
}

static void part_free_twice_with_others_between(void)
{
	char *block = malloc(announced_size()), *others[20];

	for (size_t i = 0; i < 20; i++)
		CHECK((others[i] = malloc(announced_size())));
	announce_double_free(block);
	free(hidden(block));
	for (size_t i = 0; i < 20; i++)
		free(others[i]);
	free(hidden(block));
}

static void a_late_double_free_aborts_at_once(void)
{
	expect_abort_in_some_classes("part_free_twice_with_others_between");
	expect_abort("part_free_twice_with_others_between", "3000000");
}

static void part_free_twice_long_after(void)
{
	char *block = malloc(announced_size());

	announce_double_free(block);
	free(hidden(block));
	/* it has left quarantine; nobody has it, since other classes are used */
	for (size_t i = 0; i < MANY; i++)
		free(malloc(announced_size() * 2 + 100));
	free(hidden(block));
}

static void a_double_free_after_quarantine_aborts(void)
{
	expect_abort("part_free_twice_long_after", "40");
	expect_abort("part_free_twice_long_after", "1000");
}

static void *free_it(void *block)
{
	free(hidden(block));
	return NULL;
}

static void part_free_in_two_threads(void)
{
	char *block = malloc(announced_size());
	pthread_t thread;

	announce_double_free(block);
	start_thread(&thread, NULL, free_it, block);
	CHECK(!pthread_join(thread, NULL));
	free(hidden(block));
}

static void a_double_free_by_two_threads_aborts(void)
{
	need_threads();
	expect_abort_in_some_classes("part_free_in_two_threads");
}

static void part_free_inside(void)
{
	char *block = malloc(announced_size());

	announce("free of %p, which lies inside the block at %p (size class %zu)",
		 (void *)(block + 16), (void *)block, full_class_of(block));
	free(hidden(block + 16));
}

static void a_pointer_inside_a_block_aborts_at_once(void)
{
	static const char *const sizes[] = { "0", "100", "1000", "5000", "8184", "60000",
					     "250000", "1000000" };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		expect_abort("part_free_inside", sizes[i]);
}

/* One byte behind what may be used; one byte before would be the neighbour's canary. */
static void part_write_past_the_end(void)
{
	char *block = malloc(announced_size());

	announce("overflow of the block at %p (size class %zu)", (void *)block,
		 full_class_of(block));
	block[malloc_usable_size(block)] ^= 1;
	free(hidden(block));
}

static void a_write_past_the_end_aborts_when_the_block_is_freed(void)
{
	expect_abort("part_write_past_the_end", "0");
	expect_abort("part_write_past_the_end", "24");
	expect_abort("part_write_past_the_end", "1000");
	expect_abort("part_write_past_the_end", "8000");
	expect_abort("part_write_past_the_end", "100000");
}

static void part_write_after_free(void)
{
	char *block = malloc(announced_size());

	announce("write after free to the block at %p (size class %zu)", (void *)block,
		 full_class_of(block));
	free(hidden(block));
	*(volatile char *)block = 1;
	for (size_t i = 0; i < MANY; i++)
		free(malloc(announced_size()));
}

static void a_write_after_free_aborts_when_the_block_leaves_quarantine(void)
{
	expect_abort("part_write_after_free", "1");
	expect_abort("part_write_after_free", "1000");
	expect_abort("part_write_after_free", "100000");
}

/* A thread's quarantine is emptied when it ends. */
static void part_write_after_quarantine(void)
{
	char *block = malloc(announced_size());
	pthread_t thread;

	announce("write after free to the block at %p (size class %zu)", (void *)block,
		 full_class_of(block));
	start_thread(&thread, NULL, free_it, block);
	CHECK(!pthread_join(thread, NULL));
	*(volatile char *)(block + announced_size() / 2) = 1;
	for (size_t i = 0; i < MANY && i < 64 * MIB / announced_size(); i++)
		CHECK(hidden(malloc(announced_size())));
}

static void a_write_after_quarantine_aborts_when_the_block_is_taken_again(void)
{
	need_threads();
	expect_abort("part_write_after_quarantine", "1");
	expect_abort("part_write_after_quarantine", "100");
	expect_abort("part_write_after_quarantine", "1000");
	expect_abort("part_write_after_quarantine", "100000");
	expect_abort("part_write_after_quarantine", "1000000");
}

static void part_realloc_of_freed(void)
{
	char *block = malloc(announced_size());

	announce_double_free(block);
	free(hidden(block));
	hidden(realloc(hidden(block), announced_size()));
}

static void realloc_of_a_freed_block_aborts(void)
{
	expect_abort_in_some_classes("part_realloc_of_freed");
	expect_abort("part_realloc_of_freed", "2000000");
}

static void part_free_as_larger(void)
{
	char *block = malloc(announced_size());

	announce("free of %p as %zu bytes, which is a block of %zu", (void *)block,
		 2 * class_of(block), class_of(block));
	free_as(hidden(block), 2 * class_of(block));
}

static void part_free_as_smaller(void)
{
	char *block = malloc(announced_size());

	announce("free of %p as %zu bytes, which is a block of %zu", (void *)block,
		 (size_t)1, class_of(block));
	free_as(hidden(block), 1);
}

static void a_free_with_another_size_aborts(void)
{
	expect_abort("part_free_as_larger", "100");
	expect_abort("part_free_as_larger", "5000");
	expect_abort("part_free_as_smaller", "200");
	expect_abort("part_free_as_smaller", "70000");
}

static void a_freed_block_is_zero_and_not_given_out_soon(void)
{
	for (size_t size = 24; size < 20000; size *= 3) {
		char *block = malloc(size);

		memset(block, 0x55, size);
		free(hidden(block));
		CHECK(all_zero(hidden(block), size));
		for (size_t i = 0; i < 8; i++)
			CHECK(malloc(size) != block);
	}
}

static void blocks_come_at_random_places(void)
{
	uintptr_t before = 0;
	size_t ascending = 0;

	for (size_t i = 0; i < 256; i++) {
		uintptr_t block = (uintptr_t)malloc(64);

		ascending += block == before + 80;
		before = block;
	}
	CHECK_THAT(ascending < 64, "%zu of 256 blocks follow the one before", ascending);
}

static uint64_t canary_behind(const char *block)
{
	uint64_t canary;

	memcpy(&canary, block + malloc_usable_size((void *)(uintptr_t)block), sizeof(canary));
	return canary;
}

static unsigned differing_bits(uint64_t one, uint64_t other)
{
	return (unsigned)__builtin_popcountll(one ^ other);
}

/*
 * Blocks whose addresses differ by one bit have canaries that differ by half of theirs, and so
 * have those of pairs with the same difference: no equation of addresses holds for canaries.
 */
static void a_canary_tells_nothing_of_others(void)
{
	enum { BLOCKS = 2000 };
	static char *blocks[BLOCKS];
	uint64_t sum = 0, of_pairs = 0, pairs = 0;

	for (size_t i = 0; i < BLOCKS; i++) {
		blocks[i] = malloc(40);
		CHECK((canary_behind(blocks[i]) & 0xff) == 0);
	}
	for (size_t i = 0; i + 3 < BLOCKS; i++) {
		uint64_t mix = canary_behind(blocks[i]) ^ canary_behind(blocks[i + 1]);

		sum += (uint64_t)__builtin_popcountll(mix);
		if (((uintptr_t)blocks[i] ^ (uintptr_t)blocks[i + 1]) !=
		    ((uintptr_t)blocks[i + 2] ^ (uintptr_t)blocks[i + 3]))
			continue;
		of_pairs += differing_bits(mix, canary_behind(blocks[i + 2]) ^
							canary_behind(blocks[i + 3]));
		pairs++;
	}
	/* 28 of 56 bits each. */
	CHECK_THAT(sum / (BLOCKS - 3) == 27 || sum / (BLOCKS - 3) == 28, "%lu bits differ",
		   (unsigned long)(sum / (BLOCKS - 3)));
	CHECK(!pairs || of_pairs / pairs > 14);
}

/* The mix of splitmix64, which was a canary once, is undone: who knows one knows them all then. */
static uint64_t unmixed(uint64_t value)
{
	value = (value ^ value >> 31 ^ value >> 62) * 0x319642b2d24d8ec3u;
	value = (value ^ value >> 27 ^ value >> 54) * 0x96de1b173f119089u;
	return value ^ value >> 30 ^ value >> 60;
}

static void one_canary_does_not_foretell_the_next(void)
{
	char *first = malloc(100);
	uint64_t key = unmixed(canary_behind(first)) ^ (uintptr_t)first;

	for (size_t i = 0; i < 1000; i++) {
		char *block = malloc(20 + i * 3);

		CHECK((unmixed(canary_behind(block)) ^ (uintptr_t)block) != key);
		CHECK(canary_behind(block) != canary_behind(first));
	}
}

static void need_guards(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED || madvise(page, 4096, 102))
		contract_skip("no MADV_GUARD_INSTALL here (Linux 6.13)");
}

static void expect_fault(void (*act)(char *block))
{
	char *block = malloc(3 * MIB);
	int status = 0;
	pid_t pid;

	CHECK(block);
	memset(block, 1, 3 * MIB);
	pid = fork();
	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL);
		act(hidden(block));
		_exit(0);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	CHECK_THAT(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "wait status %#x",
		   (unsigned int)status);
	free(block);
}

static void read_past_the_end(char *block)
{
	(void)*(volatile char *)(block + malloc_usable_size(block));
}

static void read_freed(char *block)
{
	free(block);
	(void)*(volatile char *)block;
}

static void a_touch_behind_a_large_block_faults(void)
{
	need_guards();
	expect_fault(read_past_the_end);
}

static void a_touch_of_a_freed_large_block_faults(void)
{
	need_guards();
	expect_fault(read_freed);
}

static void guarded_blocks_can_be_used_again(void)
{
	for (size_t i = 0; i < 200; i++) {
		size_t size = (1 + i % 7) * MIB + 1;
		char *block = i % 2 ? calloc(1, size) : memalign(1 << 20, size);

		CHECK(block && (i % 2 == 0 || all_zero(block, size)));
		memset(hidden(block), 1, malloc_usable_size(block));
		free(block);
	}
}

/* Of 32 in a row; how far each is from the one before. */
static void large_blocks_come_at_random_distances(void)
{
	char *blocks[32];
	size_t distances = 0;

	for (size_t i = 0; i < 32; i++) {
		blocks[i] = malloc(3 * MIB);
		CHECK(blocks[i] && malloc_usable_size(blocks[i]) < 3 * MIB + 65536);
	}
	for (size_t i = 1; i < 32; i++) {
		size_t same = 0;

		for (size_t k = 1; k < i; k++)
			same += blocks[i] - blocks[i - 1] == blocks[k] - blocks[k - 1];
		distances += !same;
	}
	CHECK_THAT(distances >= 8, "%zu distances among 31", distances);
	for (size_t i = 0; i < 32; i++)
		free(blocks[i]);
}

static const struct contract_case cases[] = {
	CASE_WITH(a_late_double_free_aborts_at_once, "hardened:true"),
	CASE_WITH(a_double_free_after_quarantine_aborts, "hardened:true"),
	CASE_WITH(a_double_free_by_two_threads_aborts, "hardened:true"),
	CASE_WITH(a_pointer_inside_a_block_aborts_at_once, "hardened:true"),
	CASE_WITH(a_write_past_the_end_aborts_when_the_block_is_freed, "hardened:true"),
	CASE_WITH(a_write_after_free_aborts_when_the_block_leaves_quarantine, "hardened:true"),
	CASE_WITH(a_write_after_quarantine_aborts_when_the_block_is_taken_again, "hardened:true"),
	CASE_WITH(realloc_of_a_freed_block_aborts, "hardened:true"),
	CASE_WITH(a_free_with_another_size_aborts, "hardened:true"),
	CASE_WITH(a_freed_block_is_zero_and_not_given_out_soon, "hardened:true"),
	CASE_WITH(a_canary_tells_nothing_of_others, "hardened:true"),
	CASE_WITH(one_canary_does_not_foretell_the_next, "hardened:true"),
	CASE_WITH(blocks_come_at_random_places, "hardened:true"),
	CASE_WITH(large_blocks_come_at_random_distances, "hardened:true"),
	CASE_WITH(a_touch_behind_a_large_block_faults, "hardened:true"),
	CASE_WITH(a_touch_of_a_freed_large_block_faults, "hardened:true"),
	CASE_WITH(guarded_blocks_can_be_used_again, "hardened:true"),
	CASE_PART(part_free_twice_with_others_between),
	CASE_PART(part_free_twice_long_after),
	CASE_PART(part_free_in_two_threads),
	CASE_PART(part_free_inside),
	CASE_PART(part_write_past_the_end),
	CASE_PART(part_write_after_free),
	CASE_PART(part_write_after_quarantine),
	CASE_PART(part_realloc_of_freed),
	CASE_PART(part_free_as_larger),
	CASE_PART(part_free_as_smaller),
};

CONTRACT_MAIN(cases)
