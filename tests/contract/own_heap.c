/* SPDX-License-Identifier: MIT */
/*
 * Heaps of one's own: are their blocks blocks like any others, does destroying one free all of
 * it and nothing else, whoever has freed what before? Looked up by dlsym: the program is not
 * linked with the library.
 */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hakmem/hakmem.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/contract/process.h"

enum { BLOCKS = 3000, ROUNDS = 40, THREADS = 4, EXCHANGED = 20000 };

#define LARGEST	(3 * MIB)

static struct {
	struct hak_heap *(*create)(int flags);
	void *(*alloc)(struct hak_heap *heap, size_t size);
	void *(*allocx)(struct hak_heap *heap, size_t size, int flags);
	void (*destroy)(struct hak_heap *heap);
	size_t (*read)(const char *name);
} hak;

static void begin(void)
{
	contract_look_up(&hak.create, "hak_heap_create");
	contract_look_up(&hak.alloc, "hak_heap_alloc");
	contract_look_up(&hak.allocx, "hak_heap_allocx");
	contract_look_up(&hak.destroy, "hak_heap_destroy");
	contract_look_up(&hak.read, "hak_stats_read");
}

static size_t size_of(unsigned number)
{
	uint64_t random = number + 1;

	random_next(&random);
	return random_size(&random, LARGEST);
}

static size_t patterned(size_t size)
{
	return size < 4 * KIB ? size : 4 * KIB;
}

static char *take(struct hak_heap *heap, unsigned number)
{
	size_t size = size_of(number);
	char *block = hak.alloc(heap, size);

	CHECK(block && is_aligned(block, 16) && malloc_usable_size(block) >= size);
	pattern_write(block, patterned(size), number);
	return block;
}

static void check(const char *block, unsigned number)
{
	CHECK(pattern_holds(block, patterned(size_of(number)), number));
}

static void its_blocks_are_blocks_like_any_others(void)
{
	struct hak_heap *heap;
	char *block, *zeroes;

	begin();
	heap = hak.create(0);
	CHECK(heap);
	CHECK(heap);
	block = hak.alloc(heap, 1000);
	CHECK(block);
	memset(block, 7, 1000);
	block = realloc(block, 100000);
	CHECK(block && block[999] == 7);
	free(block);
	for (unsigned lg = 4; lg <= 22; lg++)
		CHECK(is_aligned(hak.allocx(heap, 100, HAK_LG_ALIGN(lg)), (size_t)1 << lg));
	for (size_t size = 1; size < 2 * LARGEST; size *= 3) {
		free(memset(hak.alloc(heap, size), 9, size));
		zeroes = hak.allocx(heap, size, HAK_ZERO);
		CHECK(all_zero(zeroes, size));
	}
	errno = 0;
	CHECK(!hak.alloc(heap, hidden_size(SIZE_MAX)) && errno == ENOMEM);
	hak.destroy(heap);
	hak.destroy(NULL);
}

static void destroying_frees_all_of_it_and_nothing_else(void)
{
	static char *mine[BLOCKS], *others[BLOCKS];
	struct hak_heap *heap, *other;
	size_t before, opened = 0;

	begin();
	other = hak.create(0);
	CHECK(other);
	for (unsigned i = 0; i < BLOCKS; i++)
		others[i] = i % 2 ? take(other, i) : malloc(100);
	before = hak.read("live.blocks_bytes");
	for (unsigned round = 0; round < ROUNDS; round++) {
		heap = hak.create(0);
		CHECK(heap);
		for (unsigned i = 0; i < BLOCKS; i++)
			mine[i] = take(heap, i);
		for (unsigned i = 0; i < BLOCKS; i++)
			check(mine[i], i);
		for (unsigned i = 0; i < BLOCKS; i += 3)
			free(mine[i]);
		hak.destroy(heap);
		if (round == 1)
			opened = hak.read("opened_bytes");
	}
	CHECK_THAT(hak.read("live.blocks_bytes") <= before + MIB, "%zu bytes live, %zu before",
		   hak.read("live.blocks_bytes"), before);
	CHECK_THAT(hak.read("opened_bytes") <= opened + opened / 4, "%zu opened, %zu first",
		   hak.read("opened_bytes"), opened);
	for (unsigned i = 1; i < BLOCKS; i += 2)
		check(others[i], i);
	hak.destroy(other);
}

static struct hak_heap *shared;
static _Atomic(char *) exchange[64];

/* Blocks are freed by whichever thread finds them. */
static void *exchange_blocks(void *argument)
{
	uint64_t random = (uintptr_t)argument + 1;

	for (unsigned i = 0; i < EXCHANGED; i++) {
		size_t size = random_size(&random, 20 * KIB) + 16;
		char *block = hak.alloc(shared, size);

		CHECK(block);
		memset(block, (int)i, 16);
		free(__atomic_exchange_n((char **)&exchange[random_next(&random) % 64], block,
					 __ATOMIC_ACQ_REL));
	}
	return NULL;
}

static void threads_share_a_heap_and_free_each_others_blocks(void)
{
	size_t before;

	begin();
	before = hak.read("live.blocks_bytes");
	for (unsigned round = 0; round < 3; round++) {
		pthread_t threads[THREADS];

		shared = hak.create(0);
		CHECK(shared);
		for (uintptr_t i = 0; i < THREADS; i++)
			start_thread(&threads[i], NULL, exchange_blocks, (void *)i);
		for (unsigned i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
		memset((void *)exchange, 0, sizeof(exchange));
		hak.destroy(shared);
	}
	CHECK_THAT(hak.read("live.blocks_bytes") <= before + MIB, "%zu bytes live, %zu before",
		   hak.read("live.blocks_bytes"), before);
}

static void a_child_goes_on_with_the_heap(void)
{
	struct hak_heap *heap;
	char *block;
	pid_t child;

	begin();
	heap = hak.create(0);
	CHECK(heap);
	block = take(heap, 5);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		check(block, 5);
		free(block);
		for (unsigned i = 0; i < 500; i++)
			take(heap, i);
		hak.destroy(heap);
		_exit(0);
	}
	expect_success(child);
	check(block, 5);
	hak.destroy(heap);
}

static const struct contract_case cases[] = {
	CASE(its_blocks_are_blocks_like_any_others),
	CASE(destroying_frees_all_of_it_and_nothing_else),
	CASE(threads_share_a_heap_and_free_each_others_blocks),
	CASE(a_child_goes_on_with_the_heap),
	{ "its_blocks_are_blocks_when_hardened", its_blocks_are_blocks_like_any_others, PRELOADED,
	  "hardened:true" },
	{ "destroying_frees_all_of_it_when_hardened", destroying_frees_all_of_it_and_nothing_else,
	  PRELOADED, "hardened:true" },
	{ "threads_share_a_heap_when_hardened", threads_share_a_heap_and_free_each_others_blocks,
	  PRELOADED, "hardened:true" },
};

CONTRACT_MAIN(cases)
