/* SPDX-License-Identifier: MIT */
/*
 * Are the pages of live blocks on the node of the thread that allocated them? After many
 * operations with every size class, in which threads on all nodes pass blocks to the next node
 * and free what comes from another; after threads have moved; when a node is full.
 *
 * Each case prints a line of a table: with HAKMEM_LIB another allocator, its numbers.
 */
#include <dlfcn.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <hakmem/hakmem.h>

#include "tests/contract/block.h"
#include "tests/contract/case.h"
#include "tests/numa/passing.h"
#include "tests/numa/placement.h"
#include "tests/populate/watch.h"

#define PAGE	(size_t)sysconf(_SC_PAGESIZE)

/* A guest says it by its kernel's command line: it need not take long on each machine. */
static unsigned operations(void)
{
	const char *wish = getenv("OPERATIONS");

	return wish ? (unsigned)atoi(wish) : 1000000;
}

static double percent(size_t part, size_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void say(const char *what, const struct placed_blocks *result)
{
	const char *library = strrchr(contract_library(), '/');
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	printf("table: %-22s %-22s %7zu %7.2f %7.2f %8ld %6ld\n",
	       library ? library + 1 : contract_library(), what, result->pages.pages,
	       percent(result->pages.right, result->pages.pages),
	       percent(result->blocks_right, result->blocks), usage.ru_minflt,
	       usage.ru_maxrss / 1024);
	fflush(stdout);
}

static void expect_home(const char *what, const struct placed_blocks *result)
{
	say(what, result);
	CHECK_THAT(result->pages.right * 100 >= result->pages.pages * 99,
		   "%zu of %zu pages are at home", result->pages.right, result->pages.pages);
}

static void pages_are_at_home_after_many_operations(void)
{
	struct placed_blocks result;

	need_two_nodes();
	passing_run(&(struct passing){ .operations = operations() });
	result = passing_count();
	expect_home("pass to the next node", &result);
}

static void pages_are_at_home_after_threads_moved(void)
{
	struct placed_blocks result;

	need_two_nodes();
	passing_run(&(struct passing){ .operations = operations(), .moves = 5 });
	result = passing_count();
	expect_home("threads move", &result);
}

static void what_a_thread_leaves_is_for_threads_of_its_node(void)
{
	struct placed_blocks result;

	need_two_nodes();
	passing_run_short(NULL);
	result = passing_count_short();
	expect_home("short threads", &result);
}

static void a_block_for_a_node_is_on_it(void)
{
	void *(*mallocx)(size_t size, int flags) =
		(void *(*)(size_t, int))dlsym(RTLD_DEFAULT, "hak_mallocx");
	struct placed_blocks result = { .blocks = 0 };

	need_two_nodes();
	if (!mallocx)
		contract_skip("this library has no hak_mallocx");
	CHECK(run_on(passing_node(0)));
	for (int i = 0; i < machine()->memory_count; i++) {
		int node = machine()->with_memory[i];

		for (size_t size = 1; size < 3 * MIB; size += size / 3 + 1) {
			char *block = mallocx(size, HAK_NODE(node));

			CHECK(block);
			passing_touch(block, size);
			passing_add(&result, block, size, node);
		}
	}
	expect_home("asked for", &result);
}

static void a_heap_for_a_node_is_on_it(void)
{
	struct hak_heap *(*create)(int) = (struct hak_heap * (*)(int))
		dlsym(RTLD_DEFAULT, "hak_heap_create");
	void *(*alloc)(struct hak_heap *, size_t) =
		(void *(*)(struct hak_heap *, size_t))dlsym(RTLD_DEFAULT, "hak_heap_alloc");
	struct placed_blocks result = { .blocks = 0 };

	need_two_nodes();
	if (!create || !alloc)
		contract_skip("this library has no hak_heap_create");
	for (int i = 0; i < machine()->memory_count; i++) {
		struct hak_heap *heap = create(HAK_NODE(machine()->with_memory[i]));

		CHECK(heap && run_on(passing_node((unsigned)i + 1)));
		for (size_t size = 1; size < 3 * MIB; size += size / 3 + 1) {
			char *block = alloc(heap, size);

			CHECK(block);
			passing_touch(block, size);
			passing_add(&result, block, size, machine()->with_memory[i]);
		}
	}
	expect_home("a heap for a node", &result);
}

enum { SPILL_MIB = 120, SPILL_BLOCKS = SPILL_MIB * 64 };

/*
 * Preferred, not bound: what the kernel keeps for itself of a node varies, and a bound process
 * that asks for it is killed. The rest spills, as everybody's does.
 */
static void *fill_node(int node, size_t *bytes)
{
	unsigned long mask[16] = { 0 };
	void *hog;

	*bytes = node_free_kib(node) << 10;
	hog = mmap(NULL, *bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(hog != MAP_FAILED);
	mask[node / 64] = 1ul << node % 64;
	CHECK(!syscall(SYS_mbind, hog, *bytes, MPOL_PREFERRED, mask, 1024ul, 0));
	memset(hog, 1, *bytes);
	return hog;
}

/* begun: in the superslab of that block, pages came together and are where the first was put. */
static struct placed_blocks spill(char **blocks, unsigned from, unsigned to, int node,
				  const char *begun)
{
	struct placed_blocks result = { .blocks = 0 };
	unsigned i;

	for (i = from; i < to; i++) {
		blocks[i] = malloc(16 * KIB);
		CHECK(blocks[i]);
		passing_touch(blocks[i], 16 * KIB);
	}
	for (i = from; i < to; i++)
		if ((uintptr_t)blocks[i] / SUPERSLAB_BYTES != (uintptr_t)begun / SUPERSLAB_BYTES)
			passing_add(&result, blocks[i], 16 * KIB, node);
	return result;
}

static size_t bring_home(void)
{
	size_t (*act)(void) = (size_t (*)(void))dlsym(RTLD_DEFAULT, "hak_bring_home");

	if (!act)
		contract_skip("this library moves no pages");
	return act();
}

static void a_full_node_spills_is_counted_and_comes_home(void)
{
	static char *blocks[2 * SPILL_BLOCKS];
	int node = memory_node_of(passing_node(0));
	struct placed_blocks result;
	size_t hog_bytes;
	void *hog;

	need_two_nodes();
	CHECK(run_on(passing_node(0)));
	hog = fill_node(node, &hog_bytes);
	result = spill(blocks, 0, SPILL_BLOCKS, node, NULL);
	say("a full node", &result);
	CHECK_THAT(result.pages.right < result.pages.pages * 3 / 4, "the node was not full");
	munmap(hog, hog_bytes);
	if (dlsym(RTLD_DEFAULT, "hak_bring_home"))
		CHECK(counter("numa.misplaced_bytes") >=
		      (result.pages.pages - result.pages.right) * PAGE / 2);
	bring_home();
	result = (struct placed_blocks){ .blocks = 0 };
	for (unsigned i = 0; i < SPILL_BLOCKS; i++)
		passing_add(&result, blocks[i], 16 * KIB, node);
	expect_home("brought home", &result);
	CHECK(counter("numa.misplaced_bytes") <= SPILL_MIB * MIB / 100);
	result = spill(blocks, SPILL_BLOCKS, 2 * SPILL_BLOCKS, node, blocks[SPILL_BLOCKS - 1]);
	expect_home("room again", &result);
}

enum { LARGE_BYTES = 2 << 20, LARGE_BLOCKS = SPILL_MIB / 2 };

static struct placed_blocks count_large(char *const *blocks, int node)
{
	struct placed_blocks result = { .blocks = 0 };

	for (unsigned i = 0; i < LARGE_BLOCKS; i++)
		passing_add(&result, blocks[i], LARGE_BYTES, node);
	return result;
}

static void large_blocks_of_a_full_node_are_counted_and_come_home(void)
{
	static char *blocks[LARGE_BLOCKS];
	int node = memory_node_of(passing_node(0));
	struct placed_blocks result;
	size_t hog_bytes;
	void *hog;

	need_two_nodes();
	CHECK(run_on(passing_node(0)));
	hog = fill_node(node, &hog_bytes);
	for (unsigned i = 0; i < LARGE_BLOCKS; i++) {
		blocks[i] = malloc(LARGE_BYTES);
		CHECK(blocks[i]);
		memset(blocks[i], 1, LARGE_BYTES);
	}
	result = count_large(blocks, node);
	say("large, a full node", &result);
	CHECK_THAT(result.pages.right < result.pages.pages * 3 / 4, "the node was not full");
	munmap(hog, hog_bytes);
	CHECK(counter("numa.misplaced_bytes") >=
	      (result.pages.pages - result.pages.right) * PAGE / 2);
	bring_home();
	result = count_large(blocks, node);
	expect_home("large, brought home", &result);
	CHECK(counter("numa.misplaced_bytes") <= SPILL_MIB * MIB / 100);
}

static const struct contract_case cases[] = {
	CASE(pages_are_at_home_after_many_operations),
	CASE(pages_are_at_home_after_threads_moved),
	CASE(what_a_thread_leaves_is_for_threads_of_its_node),
	CASE(a_block_for_a_node_is_on_it),
	{ "a_block_for_a_node_is_on_it_when_hardened", a_block_for_a_node_is_on_it, PRELOADED,
	  "hardened:true" },
	CASE(a_heap_for_a_node_is_on_it),
	{ "a_heap_for_a_node_is_on_it_when_hardened", a_heap_for_a_node_is_on_it, PRELOADED,
	  "hardened:true" },
	CASE(a_full_node_spills_is_counted_and_comes_home),
	CASE(large_blocks_of_a_full_node_are_counted_and_come_home),
};

CONTRACT_MAIN(cases)
