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
#include <pthread.h>
#include <stdatomic.h>
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
#include "tests/numa/placement.h"
#include "tests/populate/watch.h"

enum { LIVE = 256, RING = 64, WORKERS_MAX = 8, LARGE_ONE_IN = 200 };

#define LARGEST	   (1 * MIB)
#define PAGE	   4096
#define TOUCHES	   2

struct slot {
	char *block;
	size_t size;
	int node;	/* whose memory it should be */
};

/* One writer, the neighbour; one reader, the worker. */
struct ring {
	_Atomic unsigned written, read;
	void *blocks[RING];
};

struct worker {
	struct slot slots[LIVE];
	struct ring inbox;
	struct worker *next;	/* on another node */
	unsigned number, operations, moves;
	uint64_t random;
	pthread_t thread;
};

static struct worker workers[WORKERS_MAX];
static unsigned worker_count;
static size_t sizes[SIZE_CLASSES_ROOM], size_count;
static pthread_barrier_t barrier;

/* A guest is slow: of a large block only some pages are touched. */
static void touch(char *block, size_t size)
{
	size_t step = size / TOUCHES > PAGE ? size / TOUCHES : PAGE;

	for (size_t offset = 0; offset < size; offset += step)
		block[offset] = 1;
	block[size - 1] = 1;
}

static bool ring_push(struct ring *ring, void *block)
{
	unsigned written = atomic_load(&ring->written);

	if (written - atomic_load(&ring->read) == RING)
		return false;
	ring->blocks[written % RING] = block;
	atomic_store(&ring->written, written + 1);
	return true;
}

static void free_what_came(struct worker *worker)
{
	struct ring *ring = &worker->inbox;

	while (atomic_load(&ring->read) != atomic_load(&ring->written)) {
		free(ring->blocks[atomic_load(&ring->read) % RING]);
		atomic_fetch_add(&ring->read, 1);
	}
}

static size_t choose_size(struct worker *worker)
{
	if (random_next(&worker->random) % LARGE_ONE_IN == 0)
		return LARGEST + random_next(&worker->random) % (3 * MIB);
	return sizes[random_next(&worker->random) % size_count];
}

static void operate(struct worker *worker, int node)
{
	struct slot *slot = &worker->slots[random_next(&worker->random) % LIVE];

	if (slot->block && (random_next(&worker->random) & 1 ||
			    !ring_push(&worker->next->inbox, slot->block)))
		free(slot->block);
	slot->size = choose_size(worker);
	slot->block = malloc(slot->size);
	slot->node = node;
	CHECK(slot->block);
	touch(slot->block, slot->size);
}

static int node_of(unsigned place)
{
	return machine()->with_cpus[place % (unsigned)machine()->cpus_count];
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	unsigned move, i;

	for (move = 0; move <= worker->moves; move++) {
		int node = node_of(worker->number + move);

		CHECK(run_on(node));
		for (i = 0; i < worker->operations / (worker->moves + 1); i++) {
			operate(worker, memory_node_of(node));
			if (i % 16 == 0)
				free_what_came(worker);
		}
	}
	pthread_barrier_wait(&barrier);
	free_what_came(worker);
	pthread_barrier_wait(&barrier);
	return NULL;
}

/* A guest says it by its kernel's command line: it need not take long on each machine. */
static unsigned operations(void)
{
	const char *wish = getenv("OPERATIONS");

	return wish ? (unsigned)atoi(wish) : 1000000;
}

static void start_workers(unsigned moves)
{
	unsigned i;

	worker_count = (unsigned)machine()->cpus_count;
	if (worker_count < 2)
		worker_count = 2;
	if (worker_count > WORKERS_MAX)
		worker_count = WORKERS_MAX;
	size_count = size_classes_find(sizes, LARGEST);
	pthread_barrier_init(&barrier, NULL, worker_count);
	for (i = 0; i < worker_count; i++) {
		workers[i].number = i;
		workers[i].moves = moves;
		workers[i].operations = operations() / worker_count;
		workers[i].random = i + 1;
		workers[i].next = &workers[(i + 1) % worker_count];
		CHECK(!pthread_create(&workers[i].thread, NULL, work, &workers[i]));
	}
	for (i = 0; i < worker_count; i++)
		pthread_join(workers[i].thread, NULL);
}

struct result {
	struct placed pages;
	size_t blocks, blocks_right;
};

static void add_block(struct result *result, const void *block, size_t size, int node)
{
	struct placed of_block = { 0, 0 };

	count_pages(block, size, node, &of_block);
	result->pages.pages += of_block.pages;
	result->pages.right += of_block.right;
	result->blocks++;
	result->blocks_right += of_block.right == of_block.pages;
}

static double percent(size_t part, size_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void say(const char *what, const struct result *result)
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

static void expect_home(const char *what, const struct result *result)
{
	say(what, result);
	CHECK_THAT(result->pages.right * 100 >= result->pages.pages * 99,
		   "%zu of %zu pages are at home", result->pages.right, result->pages.pages);
}

static struct result count_workers(void)
{
	struct result result = { .blocks = 0 };
	unsigned i, j;

	for (i = 0; i < worker_count; i++)
		for (j = 0; j < LIVE; j++)
			if (workers[i].slots[j].block)
				add_block(&result, workers[i].slots[j].block,
					  workers[i].slots[j].size, workers[i].slots[j].node);
	return result;
}

static void pages_are_at_home_after_many_operations(void)
{
	struct result result;

	need_two_nodes();
	start_workers(0);
	result = count_workers();
	expect_home("pass to the next node", &result);
}

static void pages_are_at_home_after_threads_moved(void)
{
	struct result result;

	need_two_nodes();
	start_workers(5);
	result = count_workers();
	expect_home("threads move", &result);
}

enum { SHORT_THREADS = 60, SHORT_BLOCKS = 200 };

static void *live_shortly(void *argument)
{
	struct slot *slots = argument;
	uint64_t random = (uintptr_t)slots | 1;
	unsigned i;

	CHECK(run_on(slots->node));
	for (i = 0; i < SHORT_BLOCKS; i++) {
		slots[i].size = random_size(&random, 64 * KIB) + 1;
		slots[i].block = malloc(slots[i].size);
		CHECK(slots[i].block);
		touch(slots[i].block, slots[i].size);
	}
	/* Half of it stays; the rest is there for the next. */
	for (i = 0; i < SHORT_BLOCKS; i += 2) {
		free(slots[i].block);
		slots[i].block = NULL;
	}
	return NULL;
}

static void what_a_thread_leaves_is_for_threads_of_its_node(void)
{
	static struct slot slots[SHORT_THREADS][SHORT_BLOCKS];
	struct result result = { .blocks = 0 };
	unsigned i, j;

	need_two_nodes();
	for (i = 0; i < SHORT_THREADS; i++) {
		pthread_t thread;

		slots[i][0].node = node_of(i);
		CHECK(!pthread_create(&thread, NULL, live_shortly, slots[i]));
		pthread_join(thread, NULL);
	}
	for (i = 0; i < SHORT_THREADS; i++)
		for (j = 1; j < SHORT_BLOCKS; j += 2)
			add_block(&result, slots[i][j].block, slots[i][j].size,
				  memory_node_of(slots[i][0].node));
	expect_home("short threads", &result);
}

static void a_block_for_a_node_is_on_it(void)
{
	void *(*mallocx)(size_t size, int flags) =
		(void *(*)(size_t, int))dlsym(RTLD_DEFAULT, "hak_mallocx");
	struct result result = { .blocks = 0 };

	need_two_nodes();
	if (!mallocx)
		contract_skip("this library has no hak_mallocx");
	CHECK(run_on(node_of(0)));
	for (int i = 0; i < machine()->memory_count; i++) {
		int node = machine()->with_memory[i];

		for (size_t size = 1; size < 3 * MIB; size += size / 3 + 1) {
			char *block = mallocx(size, HAK_NODE(node));

			CHECK(block);
			touch(block, size);
			add_block(&result, block, size, node);
		}
	}
	expect_home("asked for", &result);
}

enum { LEFT_FREE_MIB = 40, SPILL_MIB = 120, SPILL_BLOCKS = SPILL_MIB * 64 };

static void *fill_node(int node, size_t *bytes)
{
	unsigned long mask[16] = { 0 };
	void *hog;

	*bytes = (node_free_kib(node) - ((size_t)LEFT_FREE_MIB << 10)) << 10;
	hog = mmap(NULL, *bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(hog != MAP_FAILED);
	mask[node / 64] = 1ul << node % 64;
	CHECK(!syscall(SYS_mbind, hog, *bytes, MPOL_BIND, mask, 1024ul, 0));
	memset(hog, 1, *bytes);
	return hog;
}

static struct result spill(char **blocks, unsigned from, unsigned to, int node)
{
	struct result result = { .blocks = 0 };
	unsigned i;

	for (i = from; i < to; i++) {
		blocks[i] = malloc(16 * KIB);
		CHECK(blocks[i]);
		touch(blocks[i], 16 * KIB);
	}
	for (i = from; i < to; i++)
		add_block(&result, blocks[i], 16 * KIB, node);
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
	int node = memory_node_of(node_of(0));
	struct result result;
	size_t hog_bytes;
	void *hog;

	need_two_nodes();
	CHECK(run_on(node_of(0)));
	hog = fill_node(node, &hog_bytes);
	result = spill(blocks, 0, SPILL_BLOCKS, node);
	say("a full node", &result);
	CHECK_THAT(result.pages.right < result.pages.pages * 3 / 4, "the node was not full");
	munmap(hog, hog_bytes);
	if (dlsym(RTLD_DEFAULT, "hak_bring_home"))
		CHECK(counter("numa.misplaced_bytes") >=
		      (result.pages.pages - result.pages.right) * PAGE / 2);
	bring_home();
	result = (struct result){ .blocks = 0 };
	for (unsigned i = 0; i < SPILL_BLOCKS; i++)
		add_block(&result, blocks[i], 16 * KIB, node);
	expect_home("brought home", &result);
	CHECK(counter("numa.misplaced_bytes") <= SPILL_MIB * MIB / 100);
	result = spill(blocks, SPILL_BLOCKS, 2 * SPILL_BLOCKS, node);
	expect_home("room again", &result);
}

static const struct contract_case cases[] = {
	CASE(pages_are_at_home_after_many_operations),
	CASE(pages_are_at_home_after_threads_moved),
	CASE(what_a_thread_leaves_is_for_threads_of_its_node),
	CASE(a_block_for_a_node_is_on_it),
	CASE(a_full_node_spills_is_counted_and_comes_home),
};

CONTRACT_MAIN(cases)
